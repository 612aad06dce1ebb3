package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// The figures of jobs that /metrics gives, each with the app's name. Units are
// in their names, as Prometheus advises.
var (
	metricState    = metric("job_state", "1 for the state that the job of an app is in: not_run, active, paused, quarantine or disabled.", "state")
	metricAccounts = metric("accounts", "Accounts linked and existing.", "type")
	metricEscrowed = metric("failed_objects", "Objects whose latest attempt failed; they are tried again.")
	metricHeld     = metric("held_removals", "Removals that wait for an approval.")
	metricObjects  = metric("last_cycle_objects", "Objects of the last cycle that read a change or sent something, by what came of them.", "outcome")
	metricDuration = metric("last_cycle_duration_seconds", "How long that cycle took.")
	metricChecked  = metric("checked_timestamp_seconds", "When the latest cycle ended.")
	metricSteady   = metric("steady_state_timestamp_seconds", "When all was last as declared.")
)

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("provisioning_"+name, help, append([]string{"app"}, labels...), nil)
}

// metrics serves what the program gives, and the figures of jobs.
func metrics(service Service, program prometheus.Gatherer, logger *slog.Logger) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		jobs := prometheus.NewRegistry()
		jobs.MustRegister(jobCollector{req.Context(), service})
		promhttp.HandlerFor(prometheus.Gatherers{program, jobs}, promhttp.HandlerOpts{
			ErrorHandling: promhttp.ContinueOnError, // what can be told is told
			ErrorLog:      slog.NewLogLogger(logger.Handler(), slog.LevelError),
		}).ServeHTTP(w, req)
	}
}

// jobCollector asks a service for the status of each app's job, for one answer.
type jobCollector struct {
	ctx     context.Context
	service Service
}

// Describe implements prometheus.Collector. Which figures there are depends on
// the apps, so that it names none.
func (jobCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c jobCollector) Collect(metrics chan<- prometheus.Metric) {
	apps, err := c.service.List(c.ctx, config.KindApp, ListQuery{})
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(metricState, err)
		return
	}
	for _, app := range apps {
		job, err := c.service.Status(c.ctx, app.GetID())
		if err != nil {
			continue // destroyed meanwhile
		}
		collectJob(job, func(desc *prometheus.Desc, value float64, labels ...string) {
			metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{job.AppName}, labels...)...)
		})
	}
}

func collectJob(job status.Job, gauge func(desc *prometheus.Desc, value float64, labels ...string)) {
	gauge(metricState, 1, string(job.Code))
	for typ, n := range job.Managed {
		gauge(metricAccounts, float64(n), typ)
	}
	gauge(metricEscrowed, float64(job.Escrowed))
	var held int64
	for _, set := range job.HeldRemovals {
		held += set.Count
	}
	gauge(metricHeld, float64(held))
	if cycle := job.LastCycle; cycle != nil {
		for outcome, n := range map[string]int64{
			"created": cycle.Created, "updated": cycle.Updated, "disabled": cycle.Disabled, "deleted": cycle.Deleted,
			"skipped": cycle.Skipped, "failed": cycle.Failed, "unchanged": cycle.Unchanged,
		} {
			gauge(metricObjects, float64(n), outcome)
		}
		gauge(metricDuration, cycle.EndedAt.Sub(cycle.StartedAt).Seconds())
	}
	for desc, at := range map[*prometheus.Desc]time.Time{metricChecked: job.CheckedAt, metricSteady: job.SteadyStateLastAchievedAt} {
		if !at.IsZero() {
			gauge(desc, float64(at.UnixMilli())/1000)
		}
	}
}
