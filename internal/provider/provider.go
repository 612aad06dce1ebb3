// Package provider is the Terraform side: it translates what is declared into
// calls to the engine, and answers back into state. It decides nothing about
// accounts. The engine is reached through an api.Service, and only by the first
// call that needs it: validation and functions never do.
package provider

import (
	"context"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

var (
	_ provider.Provider              = (*provisioningProvider)(nil)
	_ provider.ProviderWithFunctions = (*provisioningProvider)(nil)
)

// dataDirVariable is the environment variable that stands in for data_dir.
const dataDirVariable = "PROVISIONING_DATA_DIR"

// New gives the factory of the provider. connect reaches the engine; it is
// called by the first operation that needs it, and again after it failed. The
// service that it gives must outlive the context of that call.
func New(version string, connect Connect) func() provider.Provider {
	return func() provider.Provider {
		return &provisioningProvider{version: version, connect: connect}
	}
}

type provisioningProvider struct {
	version string
	connect Connect
}

type providerModel struct {
	DataDir types.String `tfsdk:"data_dir"`
}

func (p *provisioningProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = "provisioning", p.version
}

func (p *provisioningProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Automatic user provisioning as code: who gets an account where is declared here, and an engine inside the " +
			"same binary creates, updates, disables and deletes the accounts, for as long as a job is on.",
		Attributes: map[string]schema.Attribute{
			"data_dir": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Directory that the engine's agent keeps its store, log and socket in. One agent runs for each directory, and " +
					"the provider starts it when it is needed. A relative path is taken from where Terraform runs. Default: the environment " +
					"variable `" + dataDirVariable + "`, else the user's state directory.",
			},
		},
	}
}

// Configure parses, and starts nothing.
func (p *provisioningProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	a := &agent{connect: p.connect, options: Options{Version: p.version, DataDir: m.DataDir.ValueString()}}
	switch {
	case m.DataDir.IsUnknown():
		a.unknown = true
	case m.DataDir.IsNull():
		a.options.DataDir = os.Getenv(dataDirVariable)
	case a.options.DataDir == "":
		resp.Diagnostics.AddAttributeError(path.Root("data_dir"), "Empty data_dir",
			"Give the directory that the agent keeps its store in, or leave data_dir out for the default.")
		return
	}
	if a.options.DataDir != "" {
		absolute, err := filepath.Abs(a.options.DataDir)
		if err != nil {
			resp.Diagnostics.AddAttributeError(path.Root("data_dir"), "Cannot make data_dir absolute",
				"The folder that Terraform runs in cannot be told: "+err.Error()+". Give an absolute path.")
			return
		}
		a.options.DataDir = absolute
	}
	resp.ResourceData, resp.DataSourceData = a, a
}

func (p *provisioningProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		newSourceResource,
		newCredentialResource,
		newAppResource,
		newAttributeMappingResource,
		newScopingFilterResource,
		newAssignmentResource,
		newJobResource,
	}
}

func (p *provisioningProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newStatusDataSource,
		newAuditEntriesDataSource,
		newAccountsDataSource,
		newAppsDataSource,
		newPreviewDataSource,
		newAppTemplateDataSource,
	}
}

func (p *provisioningProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{
		newEvaluateFunction,
		newInScopeFunction,
		newTemplateFunction,
	}
}
