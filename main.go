// The Terraform provider for automatic user provisioning, and the command line
// of its engine, in one binary.
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/command"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/provider"
)

// version is set by the linker.
var version = ""

// address is where Terraform looks for the provider.
const address = "registry.terraform.io/openprovisioning/provisioning"

// Terraform starts its plugins with this in their environment (go-plugin's
// handshake, protocol 6).
const (
	magicCookieKey   = "TF_PLUGIN_MAGIC_COOKIE"
	magicCookieValue = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
)

//go:embed examples/quickstart
var examples embed.FS

func main() {
	ctx := context.Background()
	if debugger := debugFlag(os.Args[1:]); debugger || os.Getenv(magicCookieKey) == magicCookieValue {
		if err := serve(ctx, debugger); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(runCommand(ctx))
}

// debugFlag reports whether a developer asked for a provider to attach a
// debugger to.
func debugFlag(args []string) bool {
	flags := flag.NewFlagSet(command.Name, flag.ContinueOnError)
	flags.SetOutput(new(strings.Builder)) // the command line tells what is wrong
	debugger := flags.Bool("debug", false, "")
	return flags.Parse(args) == nil && flags.NArg() == 0 && *debugger
}

func serve(ctx context.Context, debugger bool) error {
	return providerserver.Serve(ctx, provider.New(programVersion(), connect), providerserver.ServeOpts{
		Address: address, ProtocolVersion: 6, Debug: debugger,
	})
}

// connect reaches the agent of a provider configuration, and starts it where
// none runs, unless it is on another machine.
func connect(ctx context.Context, options provider.Options) (api.Service, error) {
	dir := options.DataDir
	if dir == "" && options.Endpoint.URL == "" {
		var err error
		if dir, err = client.DefaultDataDir(); err != nil {
			return nil, err
		}
	}
	c, err := client.Connect(ctx, client.Options{DataDir: dir, Endpoint: options.Endpoint, Version: options.Version, Autostart: true})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func runCommand(ctx context.Context) int {
	quickstart, err := fs.Sub(examples, "examples/quickstart")
	if err != nil {
		panic(err) // it is embedded
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(liveHeap), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return command.Program{
		Version: programVersion(), Open: open, Metrics: metrics, Quickstart: quickstart,
		Stdout: os.Stdout, Stderr: os.Stderr,
	}.Run(ctx, os.Args[1:])
}

// liveHeap adds to the figures of the Go runtime what a garbage collection left:
// go_gc_heap_live_bytes tells what the agent uses, the heap's size how much of
// the memory that it may take is filled with garbage.
var liveHeap = collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile("^/gc/heap/live:bytes$")})

func open(dataDir string, logger *slog.Logger) (agent.Engine, error) {
	e, err := engine.Open(engine.Options{DataDir: dataDir, Version: programVersion(), Logger: logger})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// programVersion gives the version that the linker set, else that of the module
// as `go install` fetched it, else "dev".
func programVersion() string {
	if version != "" {
		return strings.TrimPrefix(version, "v")
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "dev"
}
