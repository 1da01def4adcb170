package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	collogpb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
)

// newExporter returns an exporter that makes one attempt a call, of at most
// timeout, and whose errors tell what again needs to know. Its own retries are
// off: they give up after a minute, and at once when nobody listens. Headers and
// compression are taken from the OTEL_EXPORTER_OTLP_ variables; certificates are
// base's.
func newExporter(endpoint string, base http.RoundTripper, timeout time.Duration) (sdklog.Exporter, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("endpoint: %q: must be a URL such as http://127.0.0.1:4318", endpoint)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/logs"
	}
	return otlploghttp.New(context.Background(),
		otlploghttp.WithEndpointURL(u.String()),
		otlploghttp.WithHTTPClient(&http.Client{Transport: transport{base}, Timeout: timeout}),
		otlploghttp.WithRetry(otlploghttp.RetryConfig{Enabled: false}))
}

// refusal is an answer that is not plain success.
type refusal struct {
	status     int
	message    string
	retryAfter time.Duration
	rejected   int64 // records, when the status is a success
}

func (r *refusal) Error() string {
	s := fmt.Sprintf("answer %d %s", r.status, http.StatusText(r.status))
	if r.rejected > 0 {
		s += fmt.Sprintf(", %d records rejected", r.rejected)
	}
	if r.message != "" {
		s += ": " + r.message
	}
	return s
}

// passing are the answers after which OTLP has the same request sent again.
var passing = []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// again reports whether the same records are to be sent again after an attempt
// that failed, and how long the Collector wants to be left alone before.
func again(err error) (bool, time.Duration) {
	if r, ok := errors.AsType[*refusal](err); ok {
		return slices.Contains(passing, r.status), r.retryAfter
	}
	_, unanswered := errors.AsType[*url.Error](err) // nobody there, hung up, too slow
	return unanswered, 0
}

// severable reports whether err may be the fault of some of the records only:
// they cannot be encoded, or make the request invalid or too large.
func severable(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return !ok || r.status == http.StatusBadRequest || r.status == http.StatusRequestEntityTooLarge
}

// losses returns how many of n records are lost when they are not sent again
// after err.
func losses(err error, n int) int64 {
	if r, ok := errors.AsType[*refusal](err); ok && r.rejected > 0 {
		return r.rejected
	}
	return int64(n)
}

// transport returns every answer that is not plain success as a refusal, because
// the errors of the exporter tell the status in words only.
type transport struct{ base http.RoundTripper }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		body = nil // the status says it all
	}
	resp.Body = http.NoBody
	r := &refusal{status: resp.StatusCode}
	if resp.StatusCode/100 == 2 {
		var answer collogpb.ExportLogsServiceResponse
		if proto.Unmarshal(body, &answer) == nil {
			r.rejected = answer.GetPartialSuccess().GetRejectedLogRecords()
			r.message = answer.GetPartialSuccess().GetErrorMessage()
		}
		if r.rejected == 0 {
			return resp, nil
		}
		return nil, r
	}
	r.message = text(resp.Header.Get("Content-Type"), body)
	r.retryAfter = retryAfter(resp.Header.Get("Retry-After"))
	return nil, r
}

// text returns what the body of a refusal says, in one line.
func text(contentType string, body []byte) string {
	s := string(body)
	var status statuspb.Status
	if contentType == "application/x-protobuf" && proto.Unmarshal(body, &status) == nil {
		s = status.GetMessage()
	}
	const longest = 200
	if s = strings.TrimSpace(s); len(s) > longest {
		s = s[:longest] + "…"
	}
	return strings.Trim(strconv.Quote(s), `"`)
}

// retryAfter reads a header of that name: seconds, or a date.
func retryAfter(header string) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 16); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(time.Until(date), 0)
	}
	return 0
}
