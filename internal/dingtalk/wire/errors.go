package wire

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DecodeError says where a body cannot be read, and quotes nothing of it, not even names, which may
// be people's ids.
func DecodeError(err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return fmt.Errorf("no valid JSON at byte %d", syntax.ByteOffset)
	case !errors.As(err, &semantic):
		return err
	case semantic.Err != nil:
		return semantic.Err
	default:
		return fmt.Errorf("JSON of another shape at byte %d", semantic.ByteOffset)
	}
}
