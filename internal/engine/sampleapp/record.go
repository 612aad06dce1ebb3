package sampleapp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Exchange is one request and what its answer looked like, as Options.Record
// keeps them.
type Exchange struct {
	Came       time.Time // when the request was there, whole
	Method     string
	Path       string // with the query, as it was asked for
	Status     int
	Body       []byte // of the request
	AnswerSize int    // bytes of the answer's body
}

// record writes an exchange in one piece, so that exchanges of several requests
// do not mix:
//
//	nanoseconds since 1970 SP method SP path SP status SP request bytes SP answer bytes LF request body LF
func record(w io.Writer, came time.Time, r *http.Request, body []byte, out answer) {
	line := fmt.Appendf(make([]byte, 0, 256+len(body)), "%d %s %s %d %d %d\n",
		came.UnixNano(), r.Method, r.URL.RequestURI(), out.status, len(body), len(out.body))
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
	var came int64
	var size int
	if _, err := fmt.Sscanf(head, "%d %s %s %d %d %d", &came, &e.Method, &e.Path, &e.Status, &size, &e.AnswerSize); err != nil || size < 0 {
		return Exchange{}, fmt.Errorf("a record of requests holds %q: %w", head, err)
	}
	e.Came = time.Unix(0, came)
	e.Body = make([]byte, size+1)
	if _, err := io.ReadFull(r, e.Body); err != nil {
		return Exchange{}, io.ErrUnexpectedEOF
	}
	e.Body = e.Body[:size]
	return e, nil
}
