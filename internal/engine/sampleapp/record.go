package sampleapp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Exchange is one request and what its answer looked like, as Options.Record
// keeps them.
type Exchange struct {
	Method     string
	Path       string // with the query, as it was asked for
	Status     int
	Body       []byte // of the request
	AnswerSize int    // bytes of the answer's body
}

// record writes an exchange in one piece, so that exchanges of several requests
// do not mix:
//
//	method SP path SP status SP request bytes SP answer bytes LF request body LF
func record(w io.Writer, r *http.Request, body []byte, out answer) {
	line := fmt.Appendf(make([]byte, 0, 256+len(body)), "%s %s %d %d %d\n", r.Method, r.URL.RequestURI(), out.status, len(body), len(out.body))
	_, _ = w.Write(append(append(line, body...), '\n')) // who reads the record finds it short
}

// ReadExchange reads the next exchange of a record; io.EOF after the last.
func ReadExchange(r *bufio.Reader) (Exchange, error) {
	head, err := r.ReadString('\n')
	if err != nil {
		if errors.Is(err, io.EOF) && head != "" {
			err = io.ErrUnexpectedEOF
		}
		return Exchange{}, err
	}
	var e Exchange
	var size int
	if _, err := fmt.Sscanf(head, "%s %s %d %d %d", &e.Method, &e.Path, &e.Status, &size, &e.AnswerSize); err != nil || size < 0 {
		return Exchange{}, fmt.Errorf("a record of requests holds %q: %w", head, err)
	}
	e.Body = make([]byte, size+1)
	if _, err := io.ReadFull(r, e.Body); err != nil {
		return Exchange{}, io.ErrUnexpectedEOF
	}
	e.Body = e.Body[:size]
	return e, nil
}
