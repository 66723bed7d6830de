package embedded

import (
	"context"
	"os"
	"testing"

	"github.com/c4342123/rollcall/internal/testing/child"
	"github.com/c4342123/rollcall/internal/testing/leak"
)

// childDir names the store directory for a re-executed test binary, which then is a server and
// nothing else.
const childDir = "ROLLCALL_TEST_EMBEDDEDNATS_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child.Serve(Start(context.Background(), Options{StoreDir: dir, Listen: "127.0.0.1:0"})))
	}
	leak.Main(m)
}
