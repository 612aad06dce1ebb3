//go:build unix

package client

import (
	"os"
	"os/exec"
	"syscall"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
)

// detach takes a command out of the caller's session, so that neither Ctrl-C
// nor a closed terminal reaches it, and hands it the pipe.
func detach(cmd *exec.Cmd, pipe *os.File) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = []*os.File{pipe}
	cmd.Env = append(cmd.Env, agent.ReadyVariable+"=3") // the first of ExtraFiles
}

const executableSuffix = ""
