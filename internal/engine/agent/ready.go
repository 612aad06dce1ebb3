package agent

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// ReadyVariable names, in the environment of an agent that was started by
// another process, the file descriptor or handle of the pipe on which that
// process waits.
const ReadyVariable = "PROVISIONING_AGENT_READY"

// readyLine is what an agent that serves writes to the pipe. One that does not
// writes its error as JSON. One that ended in another way writes nothing.
const readyLine = "ready"

// maxReadyLine bounds what a starter reads.
const maxReadyLine = 1 << 20

// ErrNoWord says that an agent ended before it was ready, without a word.
var ErrNoWord = errors.New("the agent ended while starting")

// ReadyPipe gives the pipe on which the process that started this one waits,
// nil when there is none. It is there once.
func ReadyPipe() io.WriteCloser {
	number, err := strconv.ParseUint(os.Getenv(ReadyVariable), 10, 32)
	os.Unsetenv(ReadyVariable)
	if err != nil {
		return nil
	}
	return openReadyPipe(uintptr(number))
}

// managerVariable names, in the environment of a service, the socket on which the
// service manager waits for its word: sd_notify(3).
const managerVariable = "NOTIFY_SOCKET"

// ServiceManager gives the service manager that waits until this process serves,
// nil when there is none. It is there once.
func ServiceManager() io.WriteCloser {
	address := os.Getenv(managerVariable)
	os.Unsetenv(managerVariable)
	if address == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", address)
	if err != nil {
		return nil // it gives up waiting, and says so
	}
	return serviceManager{conn}
}

// serviceManager is told that an agent serves. Of one that does not it sees the
// end, and its log has the reason.
type serviceManager struct{ net.Conn }

func (m serviceManager) Write(line []byte) (int, error) {
	if string(line) != readyLine+"\n" {
		return len(line), nil
	}
	_, err := m.Conn.Write([]byte("READY=1"))
	return len(line), err
}

// ReadReady waits for the word of an agent that starts. It gives nil when it
// serves, its *api.Error when it does not, and ErrNoWord.
func ReadReady(pipe io.Reader) error {
	line, err := bufio.NewReader(io.LimitReader(pipe, maxReadyLine)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("wait for the agent to start: %w", err)
	}
	if string(line) == readyLine+"\n" {
		return nil
	}
	var told api.Error
	if json.Unmarshal(line, &told) != nil || told.Code == "" {
		return ErrNoWord
	}
	return &told
}

// readiness tells the starter how the start went, once.
type readiness struct {
	once sync.Once
	to   io.WriteCloser
}

func (r *readiness) succeed() { r.tell([]byte(readyLine)) }

func (r *readiness) fail(e *api.Error) {
	line, err := json.Marshal(e)
	if err != nil {
		return // the starter sees the end of the pipe
	}
	r.tell(line)
}

// tell does not mind a starter that is gone.
func (r *readiness) tell(line []byte) {
	r.once.Do(func() {
		if r.to != nil {
			_, _ = r.to.Write(append(line, '\n'))
			r.to.Close()
		}
	})
}

// startCode classifies an error that kept an agent from serving.
func startCode(err error) api.Code {
	switch {
	case errors.Is(err, store.ErrNewer):
		return api.CodeIncompatible
	case errors.Is(err, store.ErrInUse), errors.Is(err, store.ErrCorrupt):
		return api.CodeConflict
	}
	return api.CodeUnavailable
}
