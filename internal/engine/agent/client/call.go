package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// socketURL stands where HTTP wants a host; the socket decides who answers.
const socketURL = "http://agent"

// maxError bounds what is read of an answer that is an error.
const maxError = 1 << 20

// call carries out one operation, with an agent that is started again if it is
// gone. in and out may be nil; an out that is an io.Writer takes the answer as it
// is.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	err := c.send(ctx, method, path, in, out)
	if !isDial(err) {
		return err
	}
	if err := c.connect(ctx); err != nil {
		return err
	}
	return c.unanswered(ctx, c.send(ctx, method, path, in, out))
}

// send makes one attempt. The error is an *api.Error, the context's, or a
// *dialError: nothing was sent then.
func (c *Client) send(ctx context.Context, method, path string, in, out any) error {
	response, err := c.open(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch out := out.(type) {
	case nil:
	case io.Writer:
		_, err = io.Copy(out, response.Body)
	default:
		err = json.NewDecoder(response.Body).Decode(out)
	}
	if err != nil {
		return c.cutOff(ctx, err)
	}
	return nil
}

// open sends a request and gives the answer when it is a success.
func (c *Client) open(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, api.Errorf(api.CodeInternal, "Cannot write the request", "%v", err)
		}
		body = bytes.NewReader(data)
	}
	connected := false
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = true }})
	request, err := http.NewRequestWithContext(traced, method, c.base+path, body)
	if err != nil {
		return nil, api.Errorf(api.CodeInternal, "Cannot make the request", "%v", err)
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token := c.options.Endpoint.Token; token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.http.Do(request)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			response.Body.Close()
		}
		return nil, ctx.Err()
	case err != nil && !connected:
		return nil, &dialError{cause(err)}
	case err != nil:
		return nil, c.cutOff(ctx, err)
	case response.StatusCode >= http.StatusMultipleChoices:
		defer response.Body.Close()
		return nil, decodeError(response)
	}
	return response, nil
}

// cause gives an error without the request that it is of.
func cause(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}

// decodeError gives the error that an answer holds; CodeIncompatible when no
// agent gives such an answer.
func decodeError(response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxError))
	var told api.Error
	if json.Unmarshal(text, &told) == nil && told.Code != "" {
		return &told
	}
	switch response.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &api.Error{
			Code: api.CodeUnavailable, Summary: "The agent cannot be reached", Detail: "what stands before it answers " + response.Status,
			Advice: "See that the agent runs, and that the proxy leads to it.",
		}
	}
	return api.Errorf(api.CodeIncompatible, "The agent's answer cannot be understood", "%s: %.200s", response.Status, strings.TrimSpace(string(text)))
}

// cutOff is the error of a call that the agent took and did not answer in full.
func (c *Client) cutOff(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &api.Error{
		Code: api.CodeUnavailable, Summary: fmt.Sprintf("The agent of %s did not answer in full", c.place),
		Detail: fmt.Sprintf("%v; what was asked may or may not have been done", err),
		Advice: "Try again: what was done already is found.",
	}
}

// unanswered makes a *dialError an *api.Error.
func (c *Client) unanswered(ctx context.Context, err error) error {
	switch {
	case !isDial(err):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &api.Error{
		Code: api.CodeUnavailable, Summary: fmt.Sprintf("The agent of %s is gone", c.place),
		Detail: err.Error(), Advice: "Try again.",
	}
}

// errBroken says that a stream ended without a result: the agent is gone, or
// silent.
var errBroken = errors.New("the stream broke off")

// stream carries out an operation that answers as a stream. The error is as
// that of send, or wraps errBroken.
func stream[R any](ctx context.Context, c *Client, method, path string, in any, each func(api.Message[R]) error) (R, error) {
	var none R
	watched, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(c.silence, cancel)
	defer watch.Stop()
	response, err := c.open(watched, method, path, in)
	if err != nil {
		return none, broken(ctx, watched, err)
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	for {
		var message api.Message[R]
		if err := decoder.Decode(&message); err != nil {
			return none, broken(ctx, watched, fmt.Errorf("%w: %w", errBroken, err))
		}
		watch.Stop() // while the receiver works, nothing is waited for
		switch {
		case message.Error != nil:
			return none, message.Error
		case message.Result != nil:
			return *message.Result, nil
		}
		if err := each(message); err != nil {
			return none, err
		}
		watch.Reset(c.silence)
	}
}

// broken gives the error of a stream whose own context may have ended by
// silence.
func broken(ctx, watched context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case watched.Err() != nil:
		return fmt.Errorf("%w: the agent is silent", errBroken)
	}
	return err
}
