package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

const (
	socketName = "agent.sock"
	// maxSocketPath is what all systems can bind: macOS has room for 104 bytes.
	maxSocketPath = 100
)

// socket is the one that an agent listens on. Where the data directory's path is
// too long for one, the data directory holds a symbolic link to it.
type socket struct {
	net.Listener
	path  string // in the data directory
	bound string // where the socket is: path, or what it links to
	files []os.FileInfo
}

// listen makes the socket of a data directory. Whatever has its name is a
// remnant: the caller has agent.lock.
func listen(dir string) (*socket, error) {
	s := &socket{path: filepath.Join(dir, socketName)}
	s.bound = s.path
	if len(s.path) > maxSocketPath {
		var err error
		if s.bound, err = shortPath(dir); err != nil {
			return nil, err
		}
	}
	for _, path := range []string{s.path, s.bound} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return nil, fmt.Errorf("remove the socket of an agent that is gone: %w", err)
		}
	}
	config := net.ListenConfig{Control: restrictSocket}
	listener, err := config.Listen(context.Background(), "unix", s.bound)
	if err != nil {
		return nil, fmt.Errorf("make the socket: %w", err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false) // by then, its name may be another's
	s.Listener = listener
	if err := s.publish(); err != nil {
		listener.Close()
		os.Remove(s.bound)
		return nil, fmt.Errorf("make the socket: %w", err)
	}
	return s, nil
}

// publish makes the socket found, and notes what is to be found.
func (s *socket) publish() error {
	if err := os.Chmod(s.bound, 0o600); err != nil {
		return err
	}
	if s.bound != s.path {
		if err := os.Symlink(s.bound, s.path); err != nil {
			return err
		}
	}
	for _, path := range []string{s.path, s.bound} {
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		s.files = append(s.files, info)
	}
	return nil
}

// owned reports whether callers still find this socket.
func (s *socket) owned() bool {
	for i, path := range []string{s.path, s.bound} {
		found, err := os.Lstat(path)
		if err != nil || !os.SameFile(s.files[i], found) {
			return false
		}
	}
	return true
}

// remove takes the socket from the file system, if it is still there.
func (s *socket) remove() {
	if s.owned() {
		os.Remove(s.path)
		os.Remove(s.bound)
	}
}

// shortPath gives a path for the socket of a directory in a directory for such,
// of this user alone.
func shortPath(dir string) (string, error) {
	parent := filepath.Join(runtimeDir(), fmt.Sprintf("provisioning-%d", os.Getuid()))
	if err := os.Mkdir(parent, 0o700); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("make a directory for the socket: %w", err)
	}
	if err := checkDir(parent, othersAll); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(dir))
	path := filepath.Join(parent, hex.EncodeToString(sum[:8])+".sock")
	if len(path) > maxSocketPath {
		return "", fmt.Errorf("the path of the data directory, %s, is too long for a socket, and so is %s; use a shorter one", dir, path)
	}
	return path, nil
}

// Dial connects to the agent of a data directory. The error says that nobody
// listens there, or that it is not to be trusted; nothing was sent.
func Dial(ctx context.Context, dir string) (net.Conn, error) {
	if err := checkDir(dir, othersWrite); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, socketName)
	if target, err := os.Readlink(path); err == nil {
		if err := checkDir(filepath.Dir(target), othersAll); err != nil {
			return nil, err
		}
		path = target
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", path)
}
