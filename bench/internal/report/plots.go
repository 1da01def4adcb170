package report

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/logly-go/logly/bench/internal/load"
	"github.com/logly-go/logly/bench/internal/peer"
)

// palette holds one colour for each system, the first ones told apart by the colour-blind too;
// logly's own are black and greys, and drawn wider.
var palette = []color.Color{
	color.RGBA{230, 159, 0, 255}, color.RGBA{86, 180, 233, 255}, color.RGBA{0, 158, 115, 255},
	color.RGBA{213, 94, 0, 255}, color.RGBA{0, 114, 178, 255}, color.RGBA{204, 121, 167, 255},
	color.RGBA{148, 103, 189, 255}, color.RGBA{140, 86, 75, 255}, color.RGBA{188, 189, 34, 255},
	color.RGBA{23, 190, 207, 255}, color.RGBA{128, 0, 0, 255}, color.RGBA{0, 0, 128, 255},
}

func init() {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	plotter.DefaultFont = plot.DefaultFont
}

// curve is one line of a plot.
type curve struct {
	name   string
	own    bool // logly's
	dashed bool // loses records
	points plotter.XYs
}

// draw saves curves, of which there must be one, as SVG.
func draw(p *plot.Plot, curves []curve, path string) error {
	p.Add(plotter.NewGrid())
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.TextStyle.Font.Size = vg.Points(8)
	p.Legend.Padding = vg.Points(1.5)
	p.Title.Padding = vg.Points(6)
	others, own := 0, 0
	for _, c := range curves {
		line, dots, err := plotter.NewLinePoints(c.points)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, c.name, err)
		}
		if c.own {
			line.Width, line.Color = vg.Points(2.5), color.Gray{uint8(min(own*90, 180))}
			own++
		} else {
			line.Width, line.Color = vg.Points(1.2), palette[others%len(palette)]
			others++
		}
		if c.dashed {
			line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
			c.name += " (loses records)"
		}
		dots.Color, dots.Radius = line.Color, vg.Points(2)
		p.Add(line, dots)
		p.Legend.Add(c.name, line)
	}
	// The legend lies over the upper left: leave it the upper third.
	if _, ok := p.Y.Scale.(plot.LogScale); ok {
		p.Y.Max *= math.Sqrt(p.Y.Max / p.Y.Min)
	} else {
		p.Y.Max *= 1.5
	}
	c := vgsvg.New(9*vg.Inch, 5.5*vg.Inch)
	p.Draw(vgdraw.Crop(vgdraw.New(c), 0, -vg.Points(20), 0, 0)) // the last label stands out at the right
	f, err := os.Create(path)                                   //gosec:disable G304 -- where the flag says
	if err != nil {
		return err
	}
	_, err = c.WriteTo(f)
	return errors.Join(err, f.Close())
}

// Plots saves the plots for which there are figures in dir, and returns their
// names and captions.
func (d *Data) Plots(dir string) ([][2]string, error) {
	var made [][2]string
	for _, one := range []struct {
		name, caption string
		plot          func() (*plot.Plot, []curve)
	}{
		{"latency.svg", "How long a call takes: 20,000 records/s over 8 goroutines", func() (*plot.Plot, []curve) { return d.latencies("paced", 8) }},
		{"latency-saturated.svg", "How long a call takes: 8 goroutines as fast as they can", func() (*plot.Plot, []curve) { return d.latencies("saturated", 8) }},
		{"throughput.svg", "Records a second until the last is in the file", d.throughputs},
		{"attributes.svg", "What Handle costs by number of attributes", d.attributes},
	} {
		p, curves := one.plot()
		if len(curves) == 0 {
			continue
		}
		p.Title.Text = one.caption
		if err := draw(p, curves, filepath.Join(dir, one.name)); err != nil {
			return made, err
		}
		made = append(made, [2]string{one.name, one.caption})
	}
	return made, nil
}

// latencies has the share of the calls on a scale that gives each further nine
// the same room.
func (d *Data) latencies(part string, n int) (*plot.Plot, []curve) {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "share of the calls", "time of a call at most"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker = marks{{2, "50 %"}, {10, "90 %"}, {100, "99 %"}, {1000, "99.9 %"}, {10000, "99.99 %"}}
	p.Y.Tick.Marker = decades{}
	var curves []curve
	for _, s := range d.systems(part, n) {
		key := Key(part, n, s.Name)
		c := d.curve(s, key)
		for _, q := range load.Quantiles {
			if v := d.of(key, at(q)); q < 1 && v > 0 {
				c.points = append(c.points, plotter.XY{X: 1 / (1 - q), Y: v})
			}
		}
		if len(c.points) > 0 {
			curves = append(curves, c)
		}
	}
	return p, curves
}

func (d *Data) curve(s peer.System, key string) curve {
	return curve{name: s.Title, own: isLogly(s), dashed: !d.safe(key)}
}

func (d *Data) throughputs() (*plot.Plot, []curve) {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "goroutines", "records a second"
	p.Y.Min = 0
	p.Y.Tick.Marker = millions{}
	loads := d.numbers("saturated")
	var at marks
	for i, n := range loads {
		at = append(at, mark{float64(i), thousands(float64(n))})
	}
	p.X.Tick.Marker = at
	var curves []curve
	for _, s := range peer.Systems() {
		var c curve
		lossy := false
		for i, n := range loads {
			key := Key("saturated", n, s.Name)
			if v := d.of(key, perSecond); !math.IsNaN(v) {
				c.points = append(c.points, plotter.XY{X: float64(i), Y: v})
				lossy = lossy || !d.safe(key)
			}
		}
		if len(c.points) > 0 {
			c.name, c.own, c.dashed = s.Title, isLogly(s), lossy
			curves = append(curves, c)
		}
	}
	return p, curves
}

func (d *Data) attributes() (*plot.Plot, []curve) {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "attributes of a record", "ns"
	p.Y.Min = 0
	x, y := d.series("Attrs", "attrs")
	var curves []curve
	for _, h := range peer.Handlers() {
		c := curve{name: h.Title, own: h.Name == "logly"}
		for i, v := range y[h.Name] {
			if !math.IsNaN(v) {
				c.points = append(c.points, plotter.XY{X: float64(x[i]), Y: v})
			}
		}
		if len(c.points) > 0 {
			curves = append(curves, c)
		}
	}
	return p, curves
}

// mark is a labelled place on an axis, and marks a plot.Ticker of such.
type mark struct {
	at    float64
	label string
}

type marks []mark

func (m marks) Ticks(_, _ float64) []plot.Tick {
	var t []plot.Tick
	for _, one := range m {
		t = append(t, plot.Tick{Value: one.at, Label: one.label})
	}
	return t
}

// decades labels the powers of ten as durations.
type decades struct{}

func (decades) Ticks(low, high float64) []plot.Tick {
	var t []plot.Tick
	for v := math.Pow(10, math.Floor(math.Log10(low))); v <= high*1.01; v *= 10 {
		for i := 1.0; i < 10; i++ {
			tick := plot.Tick{Value: i * v}
			if i == 1 {
				tick.Label = ns(v)
			}
			if i*v >= low*0.99 && i*v <= high*1.01 {
				t = append(t, tick)
			}
		}
	}
	return t
}

// millions labels the ticks that gonum chooses.
type millions struct{}

func (millions) Ticks(low, high float64) []plot.Tick {
	t := plot.DefaultTicks{}.Ticks(low, high)
	for i, one := range t {
		if one.Label != "" {
			t[i].Label = digits(one.Value/1e6) + " M"
		}
	}
	return t
}
