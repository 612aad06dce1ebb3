package job

import (
	"context"
	"time"
)

// retentionInterval passes between two looks for log files that are too old.
const retentionInterval = time.Hour

// retain deletes the days of the log that the job no longer keeps.
func (r *runner) retain(ctx context.Context) {
	now := r.m.Clock.Now()
	if now.Sub(r.retainedAt) < retentionInterval {
		return
	}
	job, err := r.m.job(r.appID)
	if err != nil || job == nil {
		return
	}
	r.retainedAt = now
	if err := r.m.Log.Retain(ctx, r.appID, job.LogRetentionDuration()); err != nil {
		r.m.Logger.Warn("delete old days of the log", "app", r.appID, "error", err)
	}
}
