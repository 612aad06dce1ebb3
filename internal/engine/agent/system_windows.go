package agent

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// endSignals end an agent in order: Ctrl-C, Ctrl-Break, and the end of the
// session, which comes as SIGTERM.
var endSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

// Permissions are in access lists here, which a directory inherits from the
// user's profile.
const (
	othersWrite fs.FileMode = 0
	othersAll   fs.FileMode = 0
)

func checkDir(dir string, _ fs.FileMode) error {
	info, err := os.Lstat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no directory", dir)
	}
	return err
}

func restrictSocket(_, _ string, _ syscall.RawConn) error { return nil }

func runtimeDir() string { return os.TempDir() }

// syncDir has nothing to do: directories cannot be synced here.
func syncDir(string) error { return nil }

func openReadyPipe(number uintptr) *os.File { return os.NewFile(number, "ready") }
