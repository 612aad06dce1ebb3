// Package command is the command line: what operators type beside Terraform.
package command

import _ "github.com/spf13/cobra"
