package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

const (
	demoApp = "chat" // as the quickstart names it
	// demoTimeout bounds the whole demo, demoCleanup what follows it.
	demoTimeout = 2 * time.Minute
	demoCleanup = time.Minute
	// demoLatency lets the progress of a cycle be seen.
	demoLatency = 100 * time.Millisecond
)

// Where what matters begins in Terraform's output.
var (
	initialized   = regexp.MustCompile(`(?m)^(Terraform|OpenTofu) has been successfully initialized`)
	outputsChange = regexp.MustCompile(`(?m)^Changes to Outputs`)
	noChanges     = regexp.MustCompile(`(?m)^No changes`)
	destroying    = regexp.MustCompile(`(?m)^\S+: Destroying`)
)

func (s *session) demoCommand() *cobra.Command {
	var terraform string
	cmd := &cobra.Command{
		Use: "demo", Short: "See it all work: a sample app, Terraform, a joiner, a mover and a leaver",
		Long: `See it all work in a temporary folder, which is removed at the end, as are the
processes: a sample SCIM app is started, Terraform applies the quickstart
configuration, accounts appear; then the source changes, and the accounts with it.

It needs Terraform or OpenTofu, 1.11 or newer, and no network.`,
		Example: "  " + Name + " demo",
		Args:    arguments,
		RunE: s.runs(func(ctx context.Context, _ []string) error {
			cli, err := findTerraform(ctx, terraform)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeoutCause(ctx, demoTimeout, fmt.Errorf("the demo took more than %v", demoTimeout))
			defer cancel()
			return s.demo(ctx, cli)
		}),
	}
	cmd.Flags().StringVar(&terraform, "terraform", "", "the Terraform or OpenTofu to use (default: from PATH)")
	return cmd
}

// demo sets the stage, plays, and clears it away, whatever happened.
func (s *session) demo(ctx context.Context, cli *terraform) (err error) {
	folder, err := os.MkdirTemp("", "provisioning-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	token := rand.Text()
	app, err := serveSampleApp("127.0.0.1:0", sampleapp.Options{Token: token, Latency: demoLatency})
	if err != nil {
		return err
	}
	defer app.close()

	d := &demo{session: s, cli: cli, app: app, margin: &gutter{printer: s.out}, folder: folder}
	d.dataDir = filepath.Join(folder, "data")
	cli.folder, cli.out = folder, d.margin
	cli.variables = map[string]string{"data_dir": d.dataDir, "base_url": app.url, "token": token}
	defer func() {
		if err != nil && context.Cause(ctx) == nil {
			d.showAgentLog()
		}
		clearing, cancel := context.WithTimeout(context.WithoutCancel(ctx), demoCleanup)
		defer cancel()
		_, stopErr := s.stopAgent(clearing)
		err = errors.Join(err, stopErr)
	}()
	if err := d.play(ctx); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	d.farewell()
	return nil
}

// demo is one that is being played.
type demo struct {
	*session
	cli    *terraform
	app    *sampleApp
	margin *gutter
	folder string
	acts   int
}

func (d *demo) play(ctx context.Context) error {
	for _, act := range []func(context.Context) error{d.prepare, d.apply, d.change, d.explain, d.settle, d.destroy} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// act announces the next act.
func (d *demo) act(format string, args ...any) {
	d.acts++
	d.out.linef("")
	d.out.line(styled(bold, "%d. %s", d.acts, fmt.Sprintf(format, args...)))
	d.out.linef("")
}

func (d *demo) prepare(ctx context.Context) error {
	d.act("Six people in a CSV file, two groups, an app without accounts, and a configuration")
	if err := os.CopyFS(d.folder, d.Quickstart); err != nil {
		return fmt.Errorf("write the quickstart: %w", err)
	}
	d.out.line(text{dim, "   "}, text{plain, "the quickstart's main.tf, people.csv and groups.json, in " + d.folder})
	d.out.line(text{dim, "   "}, text{plain, "a SCIM 2.0 app of our own at " + d.app.url})
	d.out.linef("")
	if err := d.showSource(); err != nil {
		return err
	}
	if err := d.cli.install(d.Version); err != nil {
		return err
	}
	d.out.linef("")
	return d.cli.runBriefly(ctx, initialized, "init")
}

func (d *demo) apply(ctx context.Context) error {
	d.act("Terraform applies it, and waits until the first cycle has ended")
	watching, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.followProgress(watching)
	}()
	err := d.cli.run(ctx, "apply", "-auto-approve")
	stop()
	<-done
	if err != nil {
		return err
	}
	d.act("The app, as it sees itself: two people were left out, and the outputs above say why")
	d.showApp()
	return nil
}

func (d *demo) change(ctx context.Context) error {
	d.act("The source changes: one is promoted, one leaves, one joins")
	if err := d.changeSource(); err != nil {
		return err
	}
	d.act("An incremental cycle sends just that")
	if err := d.command(ctx, "job", "start", demoApp, "--wait"); err != nil {
		return err
	}
	d.out.linef("")
	d.showApp()
	return nil
}

func (d *demo) explain(ctx context.Context) error {
	d.act("The provisioning log says what was done to whom, and why")
	if err := d.command(ctx, "audit", demoApp, "--category", "provisioning"); err != nil {
		return err
	}
	d.act("And so the job stands")
	return d.command(ctx, "status", demoApp)
}

func (d *demo) settle(ctx context.Context) error {
	d.act("For Terraform only the outputs have moved; after that, the plan is empty")
	if err := d.cli.runBriefly(ctx, outputsChange, "apply", "-auto-approve"); err != nil {
		return err
	}
	return d.cli.runBriefly(ctx, noChanges, "plan", "-detailed-exitcode")
}

func (d *demo) destroy(ctx context.Context) error {
	d.act("To destroy the configuration is to stop: accounts stay as they are")
	if err := d.cli.runBriefly(ctx, destroying, "destroy", "-auto-approve"); err != nil {
		return err
	}
	d.out.linef("")
	d.showApp()
	return nil
}

func (d *demo) farewell() {
	d.act("That was all: the agent, the app and the folder are removed. What to try next")
	d.out.table("   ", [][]text{
		{{bold, "examples/quickstart"}, {plain, "the configuration that you saw, to begin your own with"}},
		{{bold, "docs/"}, {plain, "each resource, data source and function"}},
		{{bold, Name + " --help"}, {plain, "the command line"}},
	})
}

// command carries out one of our own command lines, and shows it.
func (d *demo) command(ctx context.Context, args ...string) error {
	d.out.line(text{dim, "   $ " + Name + " "}, text{plain, joined(args)})
	d.out.linef("")
	p := d.Program
	p.Stdout = d.margin
	if code := p.Run(ctx, append(args, "--data-dir", d.dataDir)); code != ExitOK {
		return fmt.Errorf("%s %s ended with exit code %d", Name, joined(args), code)
	}
	return nil
}

// showAgentLog prints the end of the agent's log, which is about to be removed.
func (d *demo) showAgentLog() {
	d.errs.linef("The end of the agent's log:")
	_ = agent.ReadLog(context.Background(), d.dataDir, &logLines{session: &session{Program: d.Program, out: d.errs}}, agent.LogOptions{Lines: 20}) // the error that is shown anyway matters more
}
