package provider

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// errUnknownValue says that a function's argument holds what is not known yet.
var errUnknownValue = errors.New("the value is not known yet")

// valueOf gives the value that a Terraform value stands for. The error is
// errUnknownValue where a part is unknown.
func valueOf(v attr.Value) (directory.Value, error) {
	if v == nil || v.IsNull() {
		return directory.Null, nil
	}
	if v.IsUnknown() {
		return directory.Null, errUnknownValue
	}
	switch v := v.(type) {
	case basetypes.DynamicValue:
		return valueOf(v.UnderlyingValue())
	case basetypes.StringValue:
		return directory.Text(v.ValueString()), nil
	case basetypes.BoolValue:
		return directory.Boolean(v.ValueBool()), nil
	case basetypes.NumberValue:
		return number(v.ValueBigFloat()), nil
	case basetypes.ListValue:
		return listOf(v.Elements())
	case basetypes.TupleValue:
		return listOf(v.Elements())
	case basetypes.SetValue:
		return listOf(v.Elements())
	case basetypes.ObjectValue:
		return complexOf(v.Attributes())
	case basetypes.MapValue:
		return complexOf(v.Elements())
	}
	return directory.Null, fmt.Errorf("a value of type %s cannot be an attribute of an object", v.Type(context.Background()))
}

// number is an integer where it has no fraction, else its text.
func number(n *big.Float) directory.Value {
	if i, accuracy := n.Int64(); accuracy == big.Exact {
		return directory.Integer(i)
	}
	return directory.Text(n.Text('f', -1))
}

func listOf(elements []attr.Value) (directory.Value, error) {
	values := make([]directory.Value, len(elements))
	for i, element := range elements {
		var err error
		if values[i], err = valueOf(element); err != nil {
			return directory.Null, err
		}
	}
	return directory.List(values...), nil
}

func complexOf(attributes map[string]attr.Value) (directory.Value, error) {
	members := make([]directory.Member, 0, len(attributes))
	for name, attribute := range attributes {
		value, err := valueOf(attribute)
		if err != nil {
			return directory.Null, err
		}
		members = append(members, directory.Member{Name: name, Value: value})
	}
	return directory.Complex(members...), nil
}

// membersOf gives the attributes of an object or map.
func membersOf(v attr.Value) (map[string]attr.Value, error) {
	switch v := v.(type) {
	case basetypes.DynamicValue:
		return membersOf(v.UnderlyingValue())
	case basetypes.ObjectValue:
		if v.IsUnknown() {
			return nil, errUnknownValue
		}
		return v.Attributes(), nil
	case basetypes.MapValue:
		if v.IsUnknown() {
			return nil, errUnknownValue
		}
		return v.Elements(), nil
	}
	return nil, errors.New("an object of attributes is needed, such as { givenName = \"Ada\" }")
}

// terraformValue gives a value in its canonical text; a list as a tuple, null
// elements kept, a complex value as an object, null as null.
func terraformValue(v directory.Value) attr.Value {
	switch v.Kind() {
	case directory.KindNull:
		return types.DynamicNull()
	case directory.KindList:
		elements := make([]attr.Value, len(v.Values()))
		elementTypes := make([]attr.Type, len(elements))
		for i, element := range v.Values() {
			elements[i] = terraformValue(element)
			elementTypes[i] = elements[i].Type(context.Background())
		}
		return types.TupleValueMust(elementTypes, elements)
	case directory.KindComplex:
		attributes, attributeTypes := map[string]attr.Value{}, map[string]attr.Type{}
		for _, member := range v.Members() {
			attributes[member.Name] = terraformAttribute(member.Value)
			attributeTypes[member.Name] = attributes[member.Name].Type(context.Background())
		}
		return types.ObjectValueMust(attributeTypes, attributes)
	}
	return types.StringValue(v.String())
}

// terraformAttribute is terraformValue within a complex value, whose booleans
// and integers are sent as what they are.
func terraformAttribute(v directory.Value) attr.Value {
	if b, ok := v.AsBoolean(); ok {
		return types.BoolValue(b)
	}
	if n, ok := v.AsInteger(); ok {
		return types.Int64Value(n)
	}
	return terraformValue(v)
}
