package peer

import (
	"fmt"
	"time"

	"github.com/logly-go/logly"
)

var loglyQueued = System{
	Name: "logly", Title: "logly, Enqueue",
	Open: func(path string, o Options) (*Running, error) {
		return openLogly(logly.Sink{File: path, Enqueue: true}, o)
	},
}

var loglyDurable = System{
	Name: "logly-durable", Title: "logly, Enqueue and Durable",
	Open: func(path string, o Options) (*Running, error) {
		return openLogly(logly.Sink{File: path, Enqueue: true, Durable: true}, o)
	},
}

var loglySync = System{
	Name: "logly-sync", Title: "logly, no queue",
	Note: "it looks after each line whether the file has been removed, so as to write that line again",
	Open: func(path string, o Options) (*Running, error) {
		return openLogly(logly.Sink{File: path}, o)
	},
}

func openLogly(s logly.Sink, o Options) (*Running, error) {
	if o.Rotate {
		s.Rotation, s.Compression = "10 MB", logly.Gzip
	}
	h, err := logly.Open(s)
	if err != nil {
		return nil, err
	}
	return &Running{
		Caller: logThrough(h),
		// Complete would wait for the disk too.
		Drain: func() error {
			deadline := time.Now().Add(time.Minute)
			for {
				switch queued := h.Stats()[0].Queued; {
				case queued == 0:
					return nil
				case time.Now().After(deadline):
					return fmt.Errorf("%d records are still queued", queued)
				}
				time.Sleep(20 * time.Microsecond)
			}
		},
		Close: h.Close,
	}, nil
}
