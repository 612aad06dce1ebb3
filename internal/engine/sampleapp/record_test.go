package sampleapp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

func TestRecord(t *testing.T) {
	var kept bytes.Buffer
	now := time.Unix(1_000_000, 5)
	a := New(Options{
		Record: &kept, Latency: time.Second,
		Now:   func() time.Time { return now },
		Sleep: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
	})
	exchange(t, a, "POST", "/scim/v2/Users", "{\n\"userName\":\"Ada Lovelace\"}")
	exchange(t, a, "GET", "/scim/v2/Users?filter=userName+eq+%22Ada+Lovelace%22", "")
	exchange(t, a, "DELETE", "/scim/v2/Users/00000001", "")
	whole := bytes.Clone(kept.Bytes())

	in := bufio.NewReader(&kept)
	for i, want := range []Exchange{
		{Method: "POST", Path: "/scim/v2/Users", Status: 201, Body: []byte("{\n\"userName\":\"Ada Lovelace\"}")},
		{Method: "GET", Path: "/scim/v2/Users?filter=userName+eq+%22Ada+Lovelace%22", Status: 200},
		{Method: "DELETE", Path: "/scim/v2/Users/00000001", Status: 204},
	} {
		got, err := ReadExchange(in)
		if err != nil {
			t.Fatal(err)
		}
		if came := time.Unix(1_000_000, 5).Add(time.Duration(i) * time.Second); !got.Came.Equal(came) {
			t.Errorf("exchange %d came at %v, want %v, before the app waited", i, got.Came, came)
		}
		if got.Method != want.Method || got.Path != want.Path || got.Status != want.Status || !bytes.Equal(got.Body, want.Body) {
			t.Errorf("exchange %d is %+v, want %+v", i, got, want)
		}
		if (got.AnswerSize > 0) != (got.Status != 204) {
			t.Errorf("exchange %d was answered with %d bytes", i, got.AnswerSize)
		}
	}
	if _, err := ReadExchange(in); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last: %v", err)
	}
	if _, err := ReadExchange(bufio.NewReader(bytes.NewReader(whole[:len("1000000000000005 POST /scim")]))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a record that is cut off in a head: %v", err)
	}
	if _, err := ReadExchange(bufio.NewReader(bytes.NewReader(whole[:70]))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a record that is cut off in a body: %v", err)
	}
	if _, err := ReadExchange(bufio.NewReader(bytes.NewReader([]byte("no record\n")))); err == nil {
		t.Error("another file passes for a record")
	}
}
