package logly_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/logly-go/logly"
)

// A configuration is checked where it is read.
func ExampleRotation_UnmarshalText() {
	var config struct{ Rotation logly.Rotation }
	for _, text := range []string{`{"rotation": "10 MB or daily"}`, `{"rotation": "10 MB or 25:00"}`} {
		if err := json.Unmarshal([]byte(text), &config); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(config.Rotation)
	}
	// Output:
	// 10 MB or daily
	// logly: Rotation: "10 MB or 25:00": part "25:00": time "25:00" is not HH:MM from 00:00 to 23:59
}

// A flag whose default is a rotation.
func ExampleRotation_MarshalText() {
	flags := flag.NewFlagSet("app", flag.ContinueOnError)
	flags.SetOutput(os.Stdout)
	var rotation logly.Rotation
	flags.TextVar(&rotation, "rotate", logly.Weekly, "`when` a new file is started")
	flags.PrintDefaults()
	// Output:
	//   -rotate when
	//     	when a new file is started (default weekly)
}

func ExampleCompression_UnmarshalText() {
	var config struct{ Compression logly.Compression }
	fmt.Println(json.Unmarshal([]byte(`{"compression": "zip"}`), &config))
	// Output: logly: Compression: "zip": must be "gzip" or empty
}

func ExampleCompression_MarshalText() {
	text, err := json.Marshal(map[string]logly.Compression{"compression": logly.Gzip})
	fmt.Println(string(text), err)
	// Output: {"compression":"gzip"} <nil>
}

func ExampleFormat_MarshalText() {
	text, err := json.Marshal([]logly.Format{logly.JSON, logly.Text, logly.Console})
	fmt.Println(string(text), err)
	// Output: ["json","text","console"] <nil>
}

// The format is a flag, and an unknown one a usage error.
func ExampleFormat_UnmarshalText() {
	flags := flag.NewFlagSet("app", flag.ContinueOnError)
	flags.SetOutput(os.Stdout)
	var format logly.Format
	flags.TextVar(&format, "format", logly.JSON, "`format` of the log: json, text or console")
	if err := flags.Parse([]string{"-format", "xml"}); err == nil {
		fmt.Println(format)
	}
	// Output:
	// invalid value "xml" for flag -format: logly: Format: "xml": must be "json", "text", "console" or empty
	// Usage of app:
	//   -format format
	//     	format of the log: json, text or console (default json)
}
