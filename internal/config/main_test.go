package config_test

import (
	"testing"

	"github.com/c4342123/rollcall/internal/testing/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
