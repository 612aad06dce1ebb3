package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func (s *session) sampleAppCommand() *cobra.Command {
	var listen, record, quirks string
	var access sampleAppAccess
	var latency time.Duration
	var budget, pageSize int
	cmd := &cobra.Command{
		Use: "sample-app", Short: "Serve a SCIM 2.0 app to try things with", Args: arguments, Hidden: true,
		Long: `Serve a SCIM 2.0 app until Ctrl-C. It keeps what it is sent in memory, and prints
its base URL first. Without a token, user name or client everybody is let in.`,
		Example: "  TOKEN=secret " + Name + " sample-app --listen 127.0.0.1:8080 --token-env TOKEN",
		RunE: s.runs(func(ctx context.Context, _ []string) error {
			options := sampleapp.Options{
				Latency: latency, PageSize: pageSize,
				Budget: sampleapp.Budget{Requests: budget, Per: time.Second, RetryAfter: "1"},
			}
			var err error
			if options.Quirks, err = sampleapp.ParseQuirks(quirks); err != nil {
				return &usageError{err}
			}
			if err := access.apply(&options, s.Getenv); err != nil {
				return err
			}
			if record != "" {
				file, err := os.OpenFile(record, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
				if err != nil {
					return fmt.Errorf("open the record of requests: %w", err)
				}
				defer file.Close()
				options.Record = file
			}
			app, err := serveSampleApp(listen, options)
			if err != nil {
				return err
			}
			defer app.close()
			if s.json {
				if err := s.out.json(map[string]string{"base_url": app.url}, true); err != nil {
					return err
				}
			} else {
				s.out.linef("%s", app.url)
			}
			select {
			case <-ctx.Done():
				return nil
			case err := <-app.failed:
				return err
			}
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:0", "address to listen on; port 0: a free one")
	access.add(cmd)
	flags.StringVar(&record, "record", "", "file that every request is appended to, with its body")
	flags.DurationVar(&latency, "latency", 0, "time that passes before each request is looked at")
	flags.IntVar(&budget, "budget", 0, "requests that are taken each second, further ones are answered with 429 (default: all are taken)")
	flags.IntVar(&pageSize, "page-size", 0, "most resources in one page of a list (default: 200)")
	flags.StringVar(&quirks, "quirks", "", `departures from the standard, as JSON, such as {"NoPatch":true}`)
	return cmd
}

// sampleApp is the sample app, being served.
type sampleApp struct {
	*sampleapp.App
	url    string
	server *http.Server
	failed chan error
}

func serveSampleApp(address string, options sampleapp.Options) (*sampleApp, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve the sample app: %w", err)
	}
	a := &sampleApp{App: sampleapp.New(options), url: "http://" + listener.Addr().String() + "/scim/v2", failed: make(chan error, 1)}
	a.server = &http.Server{Handler: a.App, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := a.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("serve the sample app: %w", err)
		}
	}()
	return a, nil
}

func (a *sampleApp) close() { a.server.Close() }
