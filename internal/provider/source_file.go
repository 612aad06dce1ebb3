package provider

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

type fileModel struct {
	Users   types.Object `tfsdk:"users"`
	Groups  types.Object `tfsdk:"groups"`
	Objects types.Map    `tfsdk:"objects"`
}

// userFileModel is the file of users, or of objects of another type.
type userFileModel struct {
	Path       types.String `tfsdk:"path"`
	Format     types.String `tfsdk:"format"`
	IDColumn   types.String `tfsdk:"id"`
	References types.Map    `tfsdk:"references"`
}

type groupFileModel struct {
	Path       types.String `tfsdk:"path"`
	Format     types.String `tfsdk:"format"`
	IDColumn   types.String `tfsdk:"id"`
	References types.Map    `tfsdk:"references"`
	Members    types.String `tfsdk:"members"`
}

func fileAttribute() schema.SingleNestedAttribute {
	users := fileSetAttributes("employee")
	groups := fileSetAttributes("group")
	groups["members"] = schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "Column or key that holds the ids of a group's members. In JSON a list; in CSV ids with `;` between them. " +
			"Mappings use it as `members`.",
	}
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Users, groups and other objects from files in UTF-8: CSV with a header row, JSON (one array of objects) or JSON Lines.",
		Attributes: map[string]schema.Attribute{
			"users": schema.SingleNestedAttribute{
				Optional: true, Attributes: users,
				MarkdownDescription: "The file of users, one a row. At least one of `users` and `groups` is needed.",
			},
			"groups": schema.SingleNestedAttribute{
				Optional: true, Attributes: groups,
				MarkdownDescription: "The file of groups, one a row.",
			},
			"objects": schema.MapNestedAttribute{
				Optional: true, NestedObject: schema.NestedAttributeObject{Attributes: fileSetAttributes("device")},
				MarkdownDescription: "Files of objects of other types, by the type's name as the app has it, such as `Device`. A " +
					"`provisioning_attribute_mapping` of that `object_type` says what becomes of them. They cannot be assigned: which of them are in " +
					"scope, scoping filters say alone.",
			},
		},
	}
}

func fileSetAttributes(example string) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"path": schema.StringAttribute{
			Required:      true,
			PlanModifiers: []planmodifier.String{sameFile},
			MarkdownDescription: "Path of the file. A relative one is taken from where Terraform runs; the state keeps it as it is written, " +
				"and the agent is told the absolute one. With `endpoint`, the file is on the agent's machine, and the path must be absolute.",
		},
		"format": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "`csv`, `json` or `jsonl`. Default: told by the ending, `.csv`, `.json`, `.jsonl` or `.ndjson`.",
		},
		"id": schema.StringAttribute{
			Required: true,
			MarkdownDescription: "Column or key whose value identifies a row for ever, such as `" + example + "_id`. " +
				"Another one makes all links unproven, so that they are matched again.",
		},
		"references": schema.MapAttribute{
			ElementType: types.StringType,
			Optional:    true,
			MarkdownDescription: "Attributes that refer to other objects, each to the column that holds their ids, " +
				"as in `{ manager = \"manager_id\" }`.",
		},
	}
}

// checkFiles refuses files that are not there, and tells when a relative path
// has come to mean another file.
func (r *sourceResource) checkFiles(ctx context.Context, source *config.Source, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	switch {
	case r.agent.remote():
		r.checkRemoteFiles(ctx, source, req, resp)
		return
	case r.agent.placeless():
		return
	}
	for set, at := range filePaths(source.File) {
		if set.Path == "" {
			continue
		}
		var written types.String
		resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, at, &written)...)
		checkFile(&resp.Diagnostics, at, set.Path)
		if filepath.IsAbs(written.ValueString()) || req.State.Raw.IsNull() {
			continue
		}
		var before types.String
		if diags := req.State.GetAttribute(ctx, at, &before); diags.HasError() {
			continue // there was no such block before
		}
		if filepath.IsAbs(before.ValueString()) && filepath.Base(before.ValueString()) == filepath.Base(set.Path) {
			resp.Diagnostics.AddAttributeWarning(at, fmt.Sprintf("Source %q would read another file", source.Name), fmt.Sprintf(
				"The agent reads %s. From the folder that Terraform runs in now, %q is %s.\n\n"+
					"Run Terraform where it ran before, or write the path with abspath(\"${path.module}/%s\").",
				before.ValueString(), written.ValueString(), set.Path, filepath.Base(set.Path)))
		}
	}
}

// filePaths leads from each file of a source to where its path is declared.
func filePaths(file *config.FileSource) map[*config.FileSet]path.Path {
	root := path.Root("file")
	sets := map[*config.FileSet]path.Path{file.Users: root.AtName("users").AtName("path"), file.Groups: root.AtName("groups").AtName("path")}
	for objectType, set := range file.Objects {
		sets[set] = root.AtName("objects").AtMapKey(objectType).AtName("path")
	}
	delete(sets, nil) // what is not declared
	return sets
}

// checkRemoteFiles refuses relative paths, which mean nothing on the agent's
// machine. What is there, only the agent can tell.
func (r *sourceResource) checkRemoteFiles(ctx context.Context, source *config.Source, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	for _, at := range filePaths(source.File) {
		var written types.String
		if diags := req.Plan.GetAttribute(ctx, at, &written); diags.HasError() || !isWritten(written) || filepath.IsAbs(written.ValueString()) {
			continue
		}
		addErrorAt(&resp.Diagnostics, at, "Relative path", fmt.Sprintf(
			"%q is relative to where Terraform runs, and the agent of endpoint reads the file on its own machine. "+
				"Give the absolute path that the file has there.", written.ValueString()))
	}
}

// checkFile reports a file that the agent, on this machine, could not read.
func checkFile(diags *diag.Diagnostics, at path.Path, file string) {
	info, err := os.Stat(file)
	switch {
	case os.IsNotExist(err):
		addErrorAt(diags, at, "Missing file", fmt.Sprintf("There is no file %s. Correct the path; a relative one is taken from where Terraform runs.", file))
	case err != nil:
		addErrorAt(diags, at, "Unreadable file", fmt.Sprintf("%s. Let the user that runs Terraform read it.", err))
	case info.IsDir():
		addErrorAt(diags, at, "Not a file", fmt.Sprintf("%s is a directory. Give the path of one file in it.", file))
	}
}

func fileToConfig(ctx context.Context, written types.Object, diags *diag.Diagnostics) *config.FileSource {
	file := nestedOf[fileModel](ctx, written, diags)
	if file == nil {
		return nil
	}
	source := &config.FileSource{}
	if users := nestedOf[userFileModel](ctx, file.Users, diags); users != nil {
		source.Users = users.toConfig(ctx, diags)
	}
	if groups := nestedOf[groupFileModel](ctx, file.Groups, diags); groups != nil {
		source.Groups = groups.toConfig(ctx, diags)
	}
	for objectType, objects := range elementsOf[userFileModel](ctx, file.Objects, diags) {
		if source.Objects == nil {
			source.Objects = map[string]*config.FileSet{}
		}
		source.Objects[objectType] = objects.toConfig(ctx, diags)
	}
	return source
}

func (m *userFileModel) toConfig(ctx context.Context, diags *diag.Diagnostics) *config.FileSet {
	absolute, _ := absolutePath(m.Path.ValueString())
	return &config.FileSet{
		Path: absolute, Format: m.Format.ValueString(), IDColumn: m.IDColumn.ValueString(),
		References: stringMapOf(ctx, m.References, diags),
	}
}

func (m *groupFileModel) toConfig(ctx context.Context, diags *diag.Diagnostics) *config.FileSet {
	set := (&userFileModel{m.Path, m.Format, m.IDColumn, m.References}).toConfig(ctx, diags)
	set.Members = m.Members.ValueString()
	return set
}

func fileFromConfig(ctx context.Context, written types.Object, file *config.FileSource, diags *diag.Diagnostics) types.Object {
	blocks := attributeTypes(fileAttribute())
	if file == nil {
		return types.ObjectNull(blocks)
	}
	userTypes, groupTypes := blocks["users"].(types.ObjectType).AttrTypes, blocks["groups"].(types.ObjectType).AttrTypes
	before := nestedOf[fileModel](ctx, written, diags)
	if before == nil {
		before = &fileModel{}
	}
	now := fileModel{Users: types.ObjectNull(userTypes), Groups: types.ObjectNull(groupTypes)}
	now.Objects = objectFilesFromConfig(ctx, before.Objects, userTypes, file.Objects, diags)
	if set := file.Users; set != nil {
		m := nestedOf[userFileModel](ctx, before.Users, diags)
		if m == nil {
			m = &userFileModel{}
		}
		m.fromConfig(ctx, set, diags)
		now.Users = objectOf(ctx, userTypes, m, diags)
	}
	if set := file.Groups; set != nil {
		m := nestedOf[groupFileModel](ctx, before.Groups, diags)
		if m == nil {
			m = &groupFileModel{}
		}
		common := userFileModel{m.Path, m.Format, m.IDColumn, m.References}
		common.fromConfig(ctx, set, diags)
		now.Groups = objectOf(ctx, groupTypes, groupFileModel{
			common.Path, common.Format, common.IDColumn, common.References, keepString(m.Members, set.Members),
		}, diags)
	}
	return objectOf(ctx, blocks, now, diags)
}

// objectFilesFromConfig gives the files of objects of other types, each written
// as before.
func objectFilesFromConfig(ctx context.Context, written types.Map, setTypes map[string]attr.Type, sets map[string]*config.FileSet, diags *diag.Diagnostics) types.Map {
	element := types.ObjectType{AttrTypes: setTypes}
	if len(sets) == 0 && !isWritten(written) {
		return types.MapNull(element)
	}
	before := elementsOf[userFileModel](ctx, written, diags)
	models := make(map[string]userFileModel, len(sets))
	for objectType, set := range sets {
		m := before[objectType]
		if m == nil {
			m = &userFileModel{}
		}
		m.fromConfig(ctx, set, diags)
		models[objectType] = *m
	}
	files, d := types.MapValueFrom(ctx, element, models)
	diags.Append(d...)
	return files
}

func (m *userFileModel) fromConfig(ctx context.Context, set *config.FileSet, diags *diag.Diagnostics) {
	m.Path = keepPath(m.Path, set.Path)
	m.Format = keepString(m.Format, set.Format)
	m.IDColumn = types.StringValue(set.IDColumn)
	m.References = keepMap(ctx, m.References, set.References, diags)
}
