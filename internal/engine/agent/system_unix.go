//go:build unix

package agent

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// endSignals end an agent in order. SIGHUP comes when the terminal of one that
// runs in the foreground is closed.
var endSignals = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}

// Permissions that others than the owner must not have.
const (
	othersWrite fs.FileMode = 0o022
	othersAll   fs.FileMode = 0o077
)

// checkDir refuses a directory that is not ours, or gives others permissions
// that they must not have. Root may use anybody's.
func checkDir(dir string, forbidden fs.FileMode) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no directory", dir)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() && os.Geteuid() != 0 {
		return fmt.Errorf("%s belongs to another user (uid %d); use a directory of your own", dir, owner)
	}
	if info.Mode().Perm()&forbidden != 0 {
		return fmt.Errorf("others have access to %s (mode %04o); take it from them with `chmod go-rwx`", dir, info.Mode().Perm())
	}
	return nil
}

// restrictSocket gives a socket its permissions before it has a name, where
// the system takes them from there (Linux does).
func restrictSocket(_, _ string, conn syscall.RawConn) error {
	return conn.Control(func(fd uintptr) {
		_ = syscall.Fchmod(int(fd), 0o600) // elsewhere it fails, and chmod follows
	})
}

// runtimeDir is where sockets stand whose own directory has too long a name.
func runtimeDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" && checkDir(dir, othersWrite) == nil {
		return dir
	}
	return os.TempDir()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func openReadyPipe(number uintptr) *os.File {
	syscall.CloseOnExec(int(number))
	return os.NewFile(number, "ready")
}
