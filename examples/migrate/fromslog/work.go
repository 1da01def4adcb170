package fromslog

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Work is what the service logs: n requests. It is the same before and after.
func Work(log *slog.Logger, n int) {
	ctx := context.Background()
	log.Info("started", "version", "1.4.2", "port", 8080)
	for i := range n {
		request := log.With("request_id", i)
		request.DebugContext(ctx, "received", "method", "POST", "path", "/orders?id=<7>&all")
		request.WithGroup("db").InfoContext(ctx, "query", "rows", i%10, "took", 1500*time.Microsecond)
		if i%50 == 0 {
			request.Error("payment failed", "error", errors.New("card \"1234\" declined"), slog.Group("amount", "value", 12.5, "currency", "€"))
		}
		request.LogAttrs(ctx, slog.LevelInfo+1, "served", slog.Int("status", 201), slog.Time("at", time.Unix(int64(i), 0).UTC()), slog.Any("tags", []string{"a", "b"}))
	}
	slog.NewLogLogger(log.Handler(), slog.LevelWarn).Print("http: TLS handshake error from 192.0.2.1: EOF")
}
