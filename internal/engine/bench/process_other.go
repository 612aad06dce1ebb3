//go:build !linux

package bench

import "time"

func cpuTime(int) (time.Duration, bool) { return 0, false }

func rssAnon(int) (int64, bool) { return 0, false }
