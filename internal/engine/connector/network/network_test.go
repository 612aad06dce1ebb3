package network

import (
	"errors"
	"net"
	"testing"
)

func TestAddressesThatAreNeverConnectedTo(t *testing.T) {
	for address, allowed := range map[string]bool{
		"169.254.169.254:80": false, "[fe80::1]:443": false, "224.0.0.1:443": false, "0.0.0.0:80": false,
		"[::ffff:169.254.169.254]:80": false, "127.0.0.1:80": true, "10.1.2.3:443": true, "[::1]:443": true,
	} {
		if err := checkAddress("tcp", address, nil); (err == nil) != allowed {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestTheDialerRefusesBeforeItConnects(t *testing.T) {
	var refused *AddressError
	if _, err := NewDialer().DialContext(t.Context(), "tcp", "169.254.169.254:80"); !errors.As(err, &refused) {
		t.Errorf("a link-local address: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := NewDialer().DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestNewTLSRefusesATextWithoutACertificate(t *testing.T) {
	if config, err := NewTLS("tls-ca.pem"); err == nil {
		t.Errorf("got %+v", config)
	}
	if config, err := NewTLS(""); err != nil || config.RootCAs != nil {
		t.Errorf("without a text: %+v, %v", config, err)
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.8.9.10": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.example.com": false, "10.0.0.1": false, "0.0.0.0": false, "127.1": false,
	} {
		if got := IsLoopback(host); got != want {
			t.Errorf("%q is %t", host, got)
		}
	}
}
