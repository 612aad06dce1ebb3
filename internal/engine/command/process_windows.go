package command

import (
	"os"
	"os/exec"
)

// ownGroup leaves a command where the console's Ctrl-C reaches it: there is no
// other way to interrupt one in order.
func ownGroup(*exec.Cmd) {}

func interrupt(*os.Process) error { return nil }
