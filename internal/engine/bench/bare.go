package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/clock"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// eachExchange calls f with every exchange of a record.
func eachExchange(path string, f func(sampleapp.Exchange) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 1<<20)
	for {
		e, err := sampleapp.ReadExchange(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
}

// count adds up what was asked of an app by a cycle that began then.
func (r *Result) count(record string, began time.Time) error {
	r.Requests = make(map[string]int)
	seen := make(map[[12]byte]struct{})
	var delays []time.Duration
	var users pace
	err := eachExchange(record, func(e sampleapp.Exchange) error {
		r.Requests[e.Method]++
		r.BytesSent += int64(len(e.Body))
		r.BytesReceived += int64(e.AnswerSize)
		switch {
		case e.Status == http.StatusTooManyRequests:
			r.Throttled++
			return nil
		case e.Method == http.MethodGet:
			return nil
		case e.Status < http.StatusMultipleChoices:
			delays = append(delays, e.Came.Sub(began))
			if e.Method == http.MethodPost && endpointOf(e.Path) == "Users" {
				users.add(e.Came)
			}
		}
		digest := sha256.Sum256(append([]byte(e.Method+" "+e.Path+" "), e.Body...))
		words := [12]byte(digest[:12])
		if _, again := seen[words]; again {
			r.Repeated++
		}
		seen[words] = struct{}{}
		return nil
	})
	r.PerUser = make(map[string]float64)
	for method, n := range r.Requests {
		r.PerUser[method] = float64(n) / float64(r.Users)
	}
	r.ChangeToWrite, r.UsersPerSecond = delayOf(delays), users.rate()
	return err
}

// replay sends the requests of a record to another app, so many at a time, and
// throws the answers away: the bare loop. What goes to another endpoint waits for
// all before it, as it did in the cycle: groups come after users, so that ids mean
// the same in both apps. What the app had no budget for, the cycle sent again and
// the bare loop sends again as well.
func (b *bench) replay(ctx context.Context, record string, to *app) (Bare, error) {
	root := strings.TrimSuffix(to.url, "/scim/v2")
	transport := &http.Transport{MaxIdleConnsPerHost: b.concurrency()}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	exchanges := make(chan sampleapp.Exchange, 4*b.concurrency())
	var otherwise atomic.Int64
	var pending sync.WaitGroup
	var before string
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	group.Go(func() error {
		defer close(exchanges)
		return eachExchange(record, func(e sampleapp.Exchange) error {
			if e.Status == http.StatusTooManyRequests {
				return nil // its repetition comes
			}
			if now := endpointOf(e.Path); now != before {
				pending.Wait()
				before = now
			}
			pending.Add(1)
			select {
			case exchanges <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for range b.concurrency() {
		group.Go(func() error {
			var failed error
			for e := range exchanges { // to the end, since the reader waits for each
				if failed == nil {
					var status int
					if status, failed = send(ctx, client, root, e); status != e.Status {
						otherwise.Add(1)
					}
				}
				pending.Done()
			}
			return failed
		})
	}
	err := group.Wait()
	return Bare{Seconds: seconds(time.Since(began)), Otherwise: int(otherwise.Load())}, err
}

// endpointOf gives the first part of a path below the base: "Users".
func endpointOf(path string) string {
	endpoint, _, _ := strings.Cut(strings.TrimPrefix(path, "/scim/v2/"), "/")
	endpoint, _, _ = strings.Cut(endpoint, "?")
	return endpoint
}

// send sends a request until the app has a budget for it.
func send(ctx context.Context, client *http.Client, root string, e sampleapp.Exchange) (status int, err error) {
	for {
		status, err = sendOnce(ctx, client, root, e)
		if err != nil || status != http.StatusTooManyRequests {
			return status, err
		}
		if err := clock.Sleep(ctx, time.Second); err != nil { // a budget is for a second
			return 0, err
		}
	}
}

func sendOnce(ctx context.Context, client *http.Client, root string, e sampleapp.Exchange) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, e.Method, root+e.Path, bytes.NewReader(e.Body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/scim+json")
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}
