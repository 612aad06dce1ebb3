//go:build !linux

package agent

// workInBatches does nothing where the system knows no such policy.
func workInBatches() {}
