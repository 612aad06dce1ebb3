package slapdtest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands between a client and a server.
type Proxy struct {
	Address  string
	upstream string
	fault    func(total int, chunk []byte) (pass []byte, end bool)
	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]bool
	running  sync.WaitGroup
}

// Before starts a proxy before the server at an address, which ends with the
// test. fault treats what the server sends: it gives the bytes to pass on, and
// whether to end the connection after them; total counts the bytes before. It is
// nil for a proxy that passes everything.
func Before(t testing.TB, address string, fault func(total int, chunk []byte) (pass []byte, end bool)) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Address: listener.Addr().String(), upstream: address, fault: fault, listener: listener, open: make(map[net.Conn]bool)}
	p.running.Go(func() {
		for {
			client, err := p.listener.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(p.Close)
	return p
}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() {
	p.listener.Close()
	p.mu.Lock()
	for conn := range p.open {
		conn.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *Proxy) keep(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[conn] = true
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	p.keep(client)
	server, err := net.Dial("tcp", p.upstream)
	if err != nil {
		return
	}
	defer server.Close()
	p.keep(server)
	p.running.Go(func() {
		_, _ = io.Copy(server, client) // whichever end is first ends both
		server.Close()
	})
	buffer := make([]byte, 4096)
	for total := 0; ; {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		chunk, end := buffer[:n], false
		if p.fault != nil {
			chunk, end = p.fault(total, chunk)
		}
		total += n
		if _, err := client.Write(chunk); err != nil || end {
			return
		}
	}
}
