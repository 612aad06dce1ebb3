package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// oneAtATime is how many users the cycle with one request in flight has at most:
// it is a rate that is asked for.
const oneAtATime = 400

// measure runs what was asked for.
func (b *bench) measure(ctx context.Context) error {
	size, err := b.population.write()
	if err != nil {
		return fmt.Errorf("write the source: %w", err)
	}
	b.report.SourceBytes = size
	if b.wants("a", "b", "c", "d", "r", "e", "h", "g") {
		if err := b.life(ctx); err != nil {
			return err
		}
	}
	if b.wants("i") {
		*b.population = *newPopulation(b.population.dir, b.Users)
		if _, err := b.population.write(); err != nil {
			return err
		}
		if err := b.killed(ctx); err != nil {
			return err
		}
	}
	if b.wants("j") && b.Latency > 0 {
		return b.single(ctx)
	}
	return nil
}

// stage is where cycles run: an agent, its app, and the app of the bare loop.
type stage struct {
	*bench
	population *population
	app        *app
	mirror     *app
	agent      *agent
	appID      string
	last       string // id of the last cycle that was told of
}

// newStage starts two empty apps, and an agent in the data directory of that
// name.
func (b *bench) newStage(ctx context.Context, name string, p *population) (_ *stage, err error) {
	s := &stage{bench: b, population: p}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.clear(ctx))
		}
	}()
	if s.app, err = b.startApp(ctx, filepath.Join(b.Dir, name+".requests")); err != nil {
		return nil, err
	}
	// It records too, though nobody reads it: both apps are to have the same work.
	if s.mirror, err = b.startApp(ctx, filepath.Join(b.Dir, name+".mirrored")); err != nil {
		return nil, err
	}
	s.agent, err = b.startAgent(ctx, filepath.Join(b.Dir, name))
	return s, err
}

// clear ends the processes and removes what they left.
func (s *stage) clear(ctx context.Context) error {
	var err error
	if s.agent != nil && s.agent.Client != nil {
		err = s.agent.end(ctx)
	}
	for _, a := range []*app{s.app, s.mirror} {
		if a != nil {
			a.stop()
		}
	}
	if s.agent != nil {
		err = errors.Join(err, os.RemoveAll(s.agent.dir))
	}
	return err
}

// cycle runs a cycle that begin orders, and measures it when it is wanted.
func (s *stage) cycle(ctx context.Context, letter string, begin func() error, wait api.WaitRequest) error {
	s.say(letter, titleOf(letter), "")
	if err := os.Truncate(s.app.record, 0); err != nil {
		return err
	}
	r := Result{Cycle: letter, Title: titleOf(letter), Users: s.population.users}
	commits, err := s.agent.commits()
	if err != nil {
		return err
	}
	watch := watching(ctx, s.agent)
	defer watch.stop()
	began := time.Now()
	if begin != nil {
		if err := begin(); err != nil {
			return err
		}
	}
	done, err := s.await(ctx, letter, wait)
	if err != nil {
		return err
	}
	r.Seconds = seconds(time.Since(began))
	if err := watch.ended(ctx, &r); err != nil {
		return err
	}
	if done.ID != s.last {
		r.Counts, s.last = done.Counts, done.ID
	}
	return s.told(ctx, &r, began, commits)
}

// await waits for a cycle to end well, and tells how far it is.
func (s *stage) await(ctx context.Context, letter string, wait api.WaitRequest) (status.Cycle, error) {
	result, err := s.agent.Wait(ctx, s.appID, wait, func(p status.Progress) {
		how := ""
		if p.Total > 0 {
			how = fmt.Sprintf("%d of %d", p.Done, p.Total)
		} else if p.Done > 0 {
			how = fmt.Sprint(p.Done)
		}
		s.say(letter, p.Phase, how)
	})
	switch {
	case err != nil:
		return status.Cycle{}, err
	case !result.Succeeded:
		return status.Cycle{}, fmt.Errorf("cycle %s did not succeed: %s %s", letter, result.Reason, result.Advice)
	}
	return result.Cycle, nil
}

// told completes a result, sends the same requests in the bare loop, and keeps
// the result if it is wanted.
func (s *stage) told(ctx context.Context, r *Result, began time.Time, commitsBefore uint64) error {
	after, err := s.agent.commits()
	if err != nil {
		return err
	}
	r.Commits = after - commitsBefore
	if r.StoreBytes, r.LogBytes, err = s.agent.storeBytes(); err != nil {
		return err
	}
	if err := r.count(s.app.record, began); err != nil {
		return err
	}
	if r.Total() > 0 {
		s.say(r.Cycle, "the same requests in the bare loop", "")
		bare, err := s.replay(ctx, s.app.record, s.mirror)
		if err != nil {
			return fmt.Errorf("the bare loop: %w", err)
		}
		bare.Ratio = bare.Seconds / r.Seconds
		r.Bare = &bare
	}
	if s.wants(r.Cycle) {
		s.report.Results = append(s.report.Results, *r)
	}
	return errors.Join(os.Truncate(s.app.record, 0), os.Truncate(s.mirror.record, 0))
}

var (
	first = api.WaitRequest{For: "initial_cycle"}
	next  = api.WaitRequest{For: "next_cycle"}
)

// declare declares what the job stands on, and gives what declares the job: that
// orders its first cycle. Declaring the source has the agent look it through, as
// for a plan.
func (s *stage) declare(ctx context.Context, baseURL string, l limits) (begin func() error, err error) {
	job, err := declare(ctx, s.agent, s.population, baseURL, l)
	if err != nil {
		return nil, err
	}
	s.appID = job.AppID
	return func() error {
		_, err := s.agent.Create(ctx, job, nil)
		return err
	}, nil
}

// changed lets the source change as set says, and orders a cycle.
func (s *stage) changed(set func(p *population)) func() error {
	return func() error {
		set(s.population)
		_, err := s.population.write()
		return err
	}
}

// life goes through the life of one job, and of a second one that finds the
// accounts of the first.
func (b *bench) life(ctx context.Context) (err error) {
	s, err := b.newStage(ctx, "first", b.population)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.clear(ctx)) }()
	begin, err := s.declare(ctx, s.app.url, limits{b.Concurrency})
	if err != nil {
		return err
	}
	if err := s.cycle(ctx, "a", begin, first); err != nil {
		return err
	}
	if b.wants("b") {
		if err := b.adopted(ctx, s); err != nil {
			return err
		}
	}
	// What the source became is written beforehand: that takes time as well.
	for _, step := range []struct {
		letter string
		change func(p *population)
		begin  func() error
		wait   api.WaitRequest
	}{
		{"c", func(p *population) { p.reversed = true }, nil, next},
		{"d", nil, nil, next},
		{"r", nil, func() error { return s.agent.RestartJob(ctx, s.appID, "bench", nil) }, first},
		{"e", func(p *population) { p.retitled = true }, nil, next},
		{"h", func(p *population) { p.joined = true }, nil, next},
		{"g", func(p *population) { p.left = true }, nil, next},
	} {
		if !b.wants(step.letter) {
			continue
		}
		if step.change != nil {
			if err := s.changed(step.change)(); err != nil {
				return err
			}
		}
		if err := s.cycle(ctx, step.letter, step.begin, step.wait); err != nil {
			return err
		}
	}
	return nil
}

// adopted lets a second agent find the accounts that the first made.
func (b *bench) adopted(ctx context.Context, of *stage) (err error) {
	s := &stage{bench: b, population: of.population, app: of.app, mirror: of.mirror}
	if s.agent, err = b.startAgent(ctx, filepath.Join(b.Dir, "second")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.agent.end(ctx), os.RemoveAll(s.agent.dir)) }()
	begin, err := s.declare(ctx, s.app.url, limits{b.Concurrency})
	if err != nil {
		return err
	}
	return s.cycle(ctx, "b", begin, first)
}

// killed kills the agent half way through an initial cycle, and starts another.
func (b *bench) killed(ctx context.Context) (err error) {
	s, err := b.newStage(ctx, "killed", b.population)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.clear(ctx)) }()
	const letter = "i"
	s.say(letter, titleOf(letter), "")
	r := Result{Cycle: letter, Title: titleOf(letter), Users: b.Users}
	before := watching(ctx, s.agent)
	defer before.stop()
	begin, err := s.declare(ctx, s.app.url, limits{b.Concurrency})
	if err != nil {
		return err
	}
	began := time.Now()
	if err := begin(); err != nil {
		return err
	}
	if err := s.halfWay(ctx); err != nil {
		return err
	}
	if err := before.ended(ctx, &r); err != nil {
		return err
	}
	if err := s.agent.kill(); err != nil {
		return err
	}
	s.say(letter, "killed", "")
	if err := s.agent.connect(ctx); err != nil {
		return err
	}
	after := watching(ctx, s.agent)
	defer after.stop()
	done, err := s.await(ctx, letter, first)
	if err != nil {
		return err
	}
	r.Seconds, r.Counts = seconds(time.Since(began)), done.Counts
	if err := after.ended(ctx, &r); err != nil {
		return err
	}
	return s.told(ctx, &r, began, 0)
}

// halfWay waits until half of the accounts are created.
func (s *stage) halfWay(ctx context.Context) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		job, err := s.agent.Status(ctx, s.appID)
		if err != nil {
			return err
		}
		if p := job.Progress; p != nil && p.Created >= int64(s.population.users/2) {
			return nil
		}
		if job.LastCycle != nil {
			return errors.New("the cycle ended before it could be killed; take more users, or a latency")
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// single has a smaller population created with one request in flight.
func (b *bench) single(ctx context.Context) (err error) {
	p := newPopulation(filepath.Join(b.Dir, "few"), min(b.Users, oneAtATime))
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	if _, err := p.write(); err != nil {
		return err
	}
	s, err := b.newStage(ctx, "single", p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.clear(ctx)) }()
	begin, err := s.declare(ctx, s.app.url, limits{1})
	if err != nil {
		return err
	}
	return s.cycle(ctx, "j", begin, first)
}
