package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// SaveBackup makes a new file, of the caller alone, of the store that backup
// writes. It is there whole or not at all.
func SaveBackup(path string, backup func(to io.Writer) error) error {
	err := store.Place(path, func(file *os.File) error { return backup(file) })
	var known *api.Error
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrExist):
		return &api.Error{
			Code: api.CodeExists, Summary: "Cannot write the backup",
			Detail: fmt.Sprintf("%s is there already", path), Advice: "Name a new file: a backup replaces none.",
		}
	}
	return &api.Error{Code: api.CodeInvalid, Summary: "Cannot write the backup", Detail: err.Error()}
}
