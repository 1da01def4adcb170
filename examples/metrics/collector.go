package main

import (
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/logly-go/logly"
)

// Collector is the Stats of a handler as Prometheus metrics. It asks the handler
// at every scrape and keeps nothing itself.
//
// The label sink is the sink's name. Two writers of one handler have the same
// one, and Prometheus refuses a scrape that has one set of labels twice: index,
// the sink's place among the options, keeps them apart.
//
// For several handlers of a process wrap the registry:
//
//	prometheus.WrapRegistererWith(prometheus.Labels{"log": "audit"}, registry).MustRegister(NewCollector(audit))
type Collector struct{ h *logly.Handler }

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector returns the collector of a handler.
func NewCollector(h *logly.Handler) *Collector { return &Collector{h: h} }

// metrics is one for each field of logly.Stats but Name.
var metrics = []struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(logly.Stats) uint64
}{
	{desc("records_total", "Records accepted."), prometheus.CounterValue,
		func(s logly.Stats) uint64 { return s.Records }},
	{desc("written_bytes_total", "Bytes of whole lines written, before compression."), prometheus.CounterValue,
		func(s logly.Stats) uint64 { return s.Bytes }},
	{desc("dropped_records_total", "Records lost: dropped, refused or given up."), prometheus.CounterValue,
		func(s logly.Stats) uint64 { return s.Dropped }},
	{desc("errors_total", "Failures of any kind, each retry anew."), prometheus.CounterValue,
		func(s logly.Stats) uint64 { return s.Errors }},
	{desc("rotations_total", "Files rotated away."), prometheus.CounterValue,
		func(s logly.Stats) uint64 { return s.Rotations }},
	{desc("recovered_records_total", "Records of an earlier run, found in the Durable queue."), prometheus.CounterValue,
		func(s logly.Stats) uint64 { return s.Recovered }},
	{desc("queued_records", "Records that wait in the queue."), prometheus.GaugeValue,
		func(s logly.Stats) uint64 { return s.Queued }},
}

func desc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("logly_"+name, help, []string{"sink", "index"}, nil)
}

// Describe sends what Collect will send.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range metrics {
		to <- m.desc
	}
}

// Collect sends what the sinks have done so far.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	for i, s := range c.h.Stats() {
		name := strings.ToValidUTF8(s.Name, "\uFFFD") // a path may be anything, a label may not
		for _, m := range metrics {
			to <- prometheus.MustNewConstMetric(m.desc, m.kind, float64(m.value(s)), name, strconv.Itoa(i))
		}
	}
}
