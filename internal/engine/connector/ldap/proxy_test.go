package ldap

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands between a source and the server.
type proxy struct {
	address string
	// fault treats what the server sends: it gives the bytes to pass on, and
	// whether to end the connection after them. total counts the bytes before.
	fault    func(total int, chunk []byte) (pass []byte, end bool)
	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]bool
	running  sync.WaitGroup
}

// between starts a proxy before the server; nil for no fault.
func between(t testing.TB, fault func(int, []byte) ([]byte, bool)) *proxy {
	t.Helper()
	needServer(t)
	p := &proxy{fault: fault, listener: listen(t), open: make(map[net.Conn]bool)}
	p.address = p.listener.Addr().String()
	p.running.Go(func() {
		for {
			client, err := p.listener.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(p.close)
	return p
}

// close ends the proxy and all its connections.
func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	for conn := range p.open {
		conn.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *proxy) keep(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[conn] = true
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	p.keep(client)
	server, err := net.Dial("tcp", slapd.ldap)
	if err != nil {
		return
	}
	defer server.Close()
	p.keep(server)
	p.running.Go(func() {
		io.Copy(server, client)
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
