package command

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/exchange"
)

const importHelp = `Read mappings and filters from a file in another form, and print them as HCL.
Nothing is changed: the configuration is what you apply.

  graph     the schema of the Microsoft Graph synchronization API: the answer to
            GET /servicePrincipals/{id}/synchronization/jobs/{id}/schema, or what
            the portal downloads under "Review your schema here".

What HCL cannot say is named on standard error, one a line. An attribute or a
filter is taken whole or not at all. A file of - is standard input.`

func (s *session) importCommand() *cobra.Command {
	var format, app, output string
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Print the mappings and filters of a Microsoft Graph schema as HCL", Long: importHelp,
		Example: `  ` + Name + ` import schema.json --app chat > chat.tf
  az rest --url "$URL/schema" | ` + Name + ` import - --app chat`,
		Args: arguments,
		RunE: s.runs(func(_ context.Context, args []string) error {
			if format != "graph" {
				return unknownFormat(format, []string{"graph"})
			}
			data, err := s.readDocument(args[0])
			if err != nil {
				return err
			}
			read, err := exchange.ReadGraph(data)
			if err != nil {
				return api.Errorf(api.CodeInvalid, fmt.Sprintf("Cannot import %s", args[0]), "%v", err)
			}
			return s.deliver(exchanged{"hcl", string(read.HCL(app)), read.Notes}, output)
		}),
	}
	cmd.Flags().StringVar(&format, "format", "graph", "graph")
	cmd.Flags().StringVar(&app, "app", "app", "label of the provisioning_app resource that they are to belong to")
	cmd.Flags().StringVar(&output, "output", "", "write to this file, replacing it, rather than to standard output")
	return cmd
}

// readDocument reads a file, or standard input for "-", as far as a document
// may reach.
func (s *session) readDocument(path string) ([]byte, error) {
	file := s.Stdin
	if path != "-" {
		opened, err := os.Open(path)
		if err != nil {
			return nil, api.Errorf(api.CodeInvalid, "Cannot read the file", "%v", err)
		}
		defer opened.Close()
		file = opened
	}
	data, err := io.ReadAll(io.LimitReader(file, exchange.MaxDocument+1))
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "Cannot read the file", "%v", err)
	}
	return data, nil
}
