package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

var (
	_ resource.Resource                   = (*credentialResource)(nil)
	_ resource.ResourceWithConfigure      = (*credentialResource)(nil)
	_ resource.ResourceWithValidateConfig = (*credentialResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*credentialResource)(nil)
	_ resource.ResourceWithImportState    = (*credentialResource)(nil)
)

func newCredentialResource() resource.Resource {
	return &credentialResource{declared{
		kind:         config.KindCredential,
		alternatives: []string{config.Basic, config.Bearer, config.OAuth2ClientCredentials},
		newModel:     func() model { return &credentialModel{} },
	}}
}

type credentialResource struct{ declared }

type credentialModel struct {
	Name   types.String `tfsdk:"name"`
	Basic  types.Object `tfsdk:"basic"`
	Bearer types.Object `tfsdk:"bearer"`
	OAuth2 types.Object `tfsdk:"oauth2_client_credentials"`
	ID     types.String `tfsdk:"id"`
}

type basicModel struct {
	Username          types.String `tfsdk:"username"`
	PasswordWO        types.String `tfsdk:"password_wo"`
	PasswordWOVersion types.Int64  `tfsdk:"password_wo_version"`
	PasswordRef       types.String `tfsdk:"password_ref"`
}

type bearerModel struct {
	TokenWO        types.String `tfsdk:"token_wo"`
	TokenWOVersion types.Int64  `tfsdk:"token_wo_version"`
	TokenRef       types.String `tfsdk:"token_ref"`
}

type oauth2Model struct {
	TokenURL              types.String `tfsdk:"token_url"`
	ClientID              types.String `tfsdk:"client_id"`
	ClientSecretWO        types.String `tfsdk:"client_secret_wo"`
	ClientSecretWOVersion types.Int64  `tfsdk:"client_secret_wo_version"`
	ClientSecretRef       types.String `tfsdk:"client_secret_ref"`
	Scopes                types.List   `tfsdk:"scopes"`
	EndpointParams        types.Map    `tfsdk:"endpoint_params"`
	AuthStyle             types.String `tfsdk:"auth_style"`
	CACertificate         types.String `tfsdk:"ca_certificate"`
}

func (r *credentialResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What the engine authenticates with. Exactly one of `basic`, `bearer` and `oauth2_client_credentials` is given. " +
			"A secret is either write-only, and then sealed in the agent's store, or a reference that the agent resolves whenever it needs " +
			"the secret. No secret is ever in state, plan or log.\n\n" +
			"A change is tested against each source and app that uses the credential before it replaces what was; when one of them refuses, " +
			"the apply fails and the credential stays as it was. A change that works lifts the quarantine that the old credential led to, " +
			"and starts a cycle. When a system refuses the credential in the middle of a cycle, it is resolved once more, so that a file that " +
			"another program has rewritten, or a new access token, is used at once; when that is refused too, the cycle ends as failed and " +
			"the job goes into quarantine.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the credential, unique among credentials. A change renames it in place.",
			},
			"basic":                     basicAttribute(),
			"bearer":                    bearerAttribute(),
			"oauth2_client_credentials": oauth2Attribute(),
			"id":                        idAttribute(),
		},
	}
}

func basicAttribute() schema.SingleNestedAttribute {
	attributes := secretAttributes("password")
	attributes["username"] = schema.StringAttribute{
		Required:            true,
		MarkdownDescription: "User name. For an LDAP source, the bind DN.",
	}
	return schema.SingleNestedAttribute{
		Optional: true, Attributes: attributes,
		MarkdownDescription: "User name and password: HTTP Basic (RFC 7617) for apps, the bind DN and its password for LDAP sources.",
	}
}

func bearerAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional: true, Attributes: secretAttributes("token"),
		MarkdownDescription: "A bearer token (RFC 6750).",
	}
}

func oauth2Attribute() schema.SingleNestedAttribute {
	attributes := secretAttributes("client_secret")
	attributes["token_url"] = schema.StringAttribute{
		Required:            true,
		MarkdownDescription: "Address of the authorization server's token endpoint: https, or http for this machine alone. Redirects are not followed.",
	}
	attributes["client_id"] = schema.StringAttribute{
		Required:            true,
		MarkdownDescription: "Id of the client that the authorization server knows the engine by.",
	}
	attributes["scopes"] = schema.ListAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "Scopes to ask for, each an element. Default: none, which leaves them to the authorization server.",
	}
	attributes["endpoint_params"] = schema.MapAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "More parameters of the request for a token, such as `audience` or `resource`. They are no secrets: they stand in the state.",
	}
	attributes["auth_style"] = schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "How the client shows its secret to the token endpoint: `header` (HTTP Basic) or `body` (as parameters). " +
			"Default: found out, by `header` first.",
	}
	attributes["ca_certificate"] = schema.StringAttribute{
		Optional:            true,
		MarkdownDescription: "Certificate of the authority that signed the token endpoint's, in PEM, beside those that the agent's machine trusts.",
	}
	return schema.SingleNestedAttribute{
		Optional: true, Attributes: attributes,
		MarkdownDescription: "An access token by the client credentials grant of OAuth 2.0 (RFC 6749). One token serves every connection of the " +
			"credential. The agent keeps it in memory alone, and asks for another before it ends or when it is refused.",
	}
}

func secretAttributes(name string) map[string]schema.Attribute {
	words := strings.ReplaceAll(name, "_", " ")
	return map[string]schema.Attribute{
		name + "_wo": schema.StringAttribute{
			Optional: true, WriteOnly: true, Sensitive: true,
			MarkdownDescription: fmt.Sprintf("The %s, write-only: it goes to the agent alone. It is sent on creation and whenever "+
				"`%s_wo_version` changes.", words, name),
		},
		name + "_wo_version": schema.Int64Attribute{
			Optional: true,
			MarkdownDescription: fmt.Sprintf("Version of `%s_wo`, which Terraform cannot compare. Raise it to rotate the %s: the new one is tested "+
				"against each source and app that uses the credential before it replaces the old.", name, words),
		},
		name + "_ref": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: fmt.Sprintf("Where the agent finds the %s, instead of `%s_wo`: `env:NAME` for a variable of the agent's "+
				"environment, `file:/absolute/path` for a file on its machine, read at each use. Who else may read that file is for its "+
				"owner to say.", words, name),
		},
	}
}

// ValidateConfig adds what only the configuration shows: the write-only values.
func (r *credentialResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m credentialModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if s := m.secret(ctx, &resp.Diagnostics); s != nil {
		s.check(&resp.Diagnostics)
	}
	if !resp.Diagnostics.HasError() {
		r.declared.ValidateConfig(ctx, req, resp)
	}
}

// secret is the one secret that a credential has.
type secret struct {
	method, field string
	value         types.String // null in plan and state
	version       types.Int64
	reference     types.String
}

// secret gives the secret of the method that is given; nil when none is known.
func (m *credentialModel) secret(ctx context.Context, diags *diag.Diagnostics) *secret {
	if b := nestedOf[bearerModel](ctx, m.Bearer, diags); b != nil {
		return &secret{config.Bearer, "token", b.TokenWO, b.TokenWOVersion, b.TokenRef}
	}
	if b := nestedOf[basicModel](ctx, m.Basic, diags); b != nil {
		return &secret{config.Basic, "password", b.PasswordWO, b.PasswordWOVersion, b.PasswordRef}
	}
	if o := nestedOf[oauth2Model](ctx, m.OAuth2, diags); o != nil {
		return &secret{config.OAuth2ClientCredentials, "client_secret", o.ClientSecretWO, o.ClientSecretWOVersion, o.ClientSecretRef}
	}
	return nil
}

// check reports write-only values that stand alone or beside a reference.
func (s *secret) check(diags *diag.Diagnostics) {
	writeOnly, version := s.field+"_wo", s.field+"_wo_version"
	at := path.Root(s.method)
	switch {
	case isWritten(s.value) && isWritten(s.reference):
		addErrorAt(diags, at.AtName(s.field+"_ref"), "Two secrets",
			fmt.Sprintf("Both %s and %s_ref are given; keep one of them.", writeOnly, s.field))
	case isWritten(s.value) && s.value.ValueString() == "":
		addErrorAt(diags, at.AtName(writeOnly), "Empty secret",
			fmt.Sprintf("%s is an empty text. Look whether the variable that it comes from is set.", writeOnly))
	case isWritten(s.value) && s.version.IsNull():
		addErrorAt(diags, at.AtName(writeOnly), "Missing "+version,
			fmt.Sprintf("Terraform does not keep %s and cannot see it change. Add %s = 1, and raise it to rotate the secret.", writeOnly, version))
	case s.value.IsNull() && isWritten(s.version) && s.reference.IsNull():
		addErrorAt(diags, at.AtName(version), "Missing "+writeOnly,
			fmt.Sprintf("%s is the version of a secret that is not given. Add %s, or leave both out and give %s_ref.", version, writeOnly, s.field))
	}
}

func (r *credentialResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m credentialModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	secrets := writtenSecrets(ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	r.create(ctx, &m, secrets, resp)
}

// Update sends the secret only when its version, or where it comes from,
// changed.
func (r *credentialResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, before credentialModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &before)...)
	now, was := m.secret(ctx, &resp.Diagnostics), before.secret(ctx, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	var secrets config.Secrets
	if now != nil && (was == nil || now.method != was.method || !now.version.Equal(was.version)) {
		secrets = writtenSecrets(ctx, req.Config, &resp.Diagnostics)
		if resp.Diagnostics.HasError() {
			return
		}
	}
	r.update(ctx, &m, secrets, req, resp)
}

// writtenSecrets reads the write-only value, which only the configuration has;
// nil when a reference is given instead.
func writtenSecrets(ctx context.Context, configured tfsdk.Config, diags *diag.Diagnostics) config.Secrets {
	var m credentialModel
	diags.Append(configured.Get(ctx, &m)...)
	s := m.secret(ctx, diags)
	if s == nil {
		return nil
	}
	if s.check(diags); diags.HasError() || !isWritten(s.value) {
		return nil
	}
	return config.Secrets{s.field: s.value.ValueString()}
}

func (m *credentialModel) toConfig(ctx context.Context) (config.Thing, diag.Diagnostics) {
	var diags diag.Diagnostics
	c := &config.Credential{ID: m.ID.ValueString(), Name: m.Name.ValueString(), Fields: map[string]config.Field{}}
	if s := m.secret(ctx, &diags); s != nil {
		c.Method = s.method
		field := config.Field{Reference: s.reference.ValueString()}
		if isWritten(s.version) {
			field.Version = s.version.ValueInt64Pointer()
		}
		c.Fields[s.field] = field
	}
	switch c.Method {
	case config.Basic:
		if b := nestedOf[basicModel](ctx, m.Basic, &diags); b != nil {
			c.Fields["username"] = config.Field{Value: b.Username.ValueString()}
		}
	case config.OAuth2ClientCredentials:
		if o := nestedOf[oauth2Model](ctx, m.OAuth2, &diags); o != nil {
			o.toFields(ctx, c.Fields, &diags)
		}
	}
	return c, diags
}

// toFields adds what is no secret. What is not given is left out.
func (o *oauth2Model) toFields(ctx context.Context, fields map[string]config.Field, diags *diag.Diagnostics) {
	for name, value := range map[string]types.String{
		"token_url": o.TokenURL, "client_id": o.ClientID, "auth_style": o.AuthStyle, "ca_certificate": o.CACertificate,
	} {
		if value.ValueString() != "" {
			fields[name] = config.Field{Value: value.ValueString()}
		}
	}
	if scopes := listedStringsOf(ctx, o.Scopes, diags); len(scopes) > 0 {
		fields["scopes"] = config.Field{Values: scopes}
	}
	if parameters := stringMapOf(ctx, o.EndpointParams, diags); len(parameters) > 0 {
		fields["endpoint_params"] = config.Field{Parameters: parameters}
	}
}

func (m *credentialModel) fromConfig(ctx context.Context, thing config.Thing) diag.Diagnostics {
	var diags diag.Diagnostics
	c := thing.(*config.Credential)
	m.ID, m.Name = types.StringValue(c.ID), types.StringValue(c.Name)
	var written oauth2Model
	if o := nestedOf[oauth2Model](ctx, m.OAuth2, &diags); o != nil {
		written = *o
	}
	basic, bearer, oauth2 := attributeTypes(basicAttribute()), attributeTypes(bearerAttribute()), attributeTypes(oauth2Attribute())
	m.Basic, m.Bearer, m.OAuth2 = types.ObjectNull(basic), types.ObjectNull(bearer), types.ObjectNull(oauth2)
	switch c.Method {
	case config.Basic:
		password := c.Fields["password"]
		m.Basic = objectOf(ctx, basic, basicModel{
			Username:          types.StringValue(c.Fields["username"].Value),
			PasswordWOVersion: types.Int64PointerValue(password.Version),
			PasswordRef:       keepString(types.StringNull(), password.Reference),
		}, &diags)
	case config.Bearer:
		token := c.Fields["token"]
		m.Bearer = objectOf(ctx, bearer, bearerModel{
			TokenWOVersion: types.Int64PointerValue(token.Version),
			TokenRef:       keepString(types.StringNull(), token.Reference),
		}, &diags)
	case config.OAuth2ClientCredentials:
		secret := c.Fields["client_secret"]
		m.OAuth2 = objectOf(ctx, oauth2, oauth2Model{
			TokenURL:              types.StringValue(c.Fields["token_url"].Value),
			ClientID:              types.StringValue(c.Fields["client_id"].Value),
			ClientSecretWOVersion: types.Int64PointerValue(secret.Version),
			ClientSecretRef:       keepString(types.StringNull(), secret.Reference),
			Scopes:                keepList(ctx, written.Scopes, c.Fields["scopes"].Values, &diags),
			EndpointParams:        keepMap(ctx, written.EndpointParams, c.Fields["endpoint_params"].Parameters, &diags),
			AuthStyle:             keepString(written.AuthStyle, c.Fields["auth_style"].Value),
			CACertificate:         keepString(written.CACertificate, c.Fields["ca_certificate"].Value),
		}, &diags)
	}
	return diags
}
