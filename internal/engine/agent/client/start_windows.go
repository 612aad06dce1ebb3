package client

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
)

// detach takes a command away from the caller's console and its Ctrl-C, and
// hands it the pipe.
func detach(cmd *exec.Cmd, pipe *os.File) {
	handle := syscall.Handle(pipe.Fd())
	windows.SetHandleInformation(windows.Handle(handle), windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		CreationFlags:              windows.CREATE_NEW_PROCESS_GROUP | windows.DETACHED_PROCESS,
		AdditionalInheritedHandles: []syscall.Handle{handle},
	}
	cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", agent.ReadyVariable, handle))
}

const executableSuffix = ".exe"
