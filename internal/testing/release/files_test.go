package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// pack writes the files of a directory, and what is told of them, into an archive. Times are left
// out, so that the same files make the same archive.
func pack(t *testing.T, dir string, told []byte, archive string) {
	t.Helper()
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	require.NoError(t, err)
	out := tar.NewWriter(zip)
	add := func(name string, data []byte) {
		require.NoError(t, out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data))}))
		_, err := out.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			add(name, readFile(t, filepath.Join(dir, name)))
		}
		return err
	}))
	add(lastEvents, told)
	require.NoError(t, errors.Join(out.Close(), zip.Close()))
	writeFile(t, archive, packed.Bytes())
}

// unpack writes the files of an archive into a directory.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(readFile(t, archive)))
	require.NoError(t, err)
	in := tar.NewReader(zip)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		require.True(t, filepath.IsLocal(header.Name), header.Name)
		data, err := io.ReadAll(in)
		require.NoError(t, err)
		path := filepath.Join(dir, header.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		writeFile(t, path, data)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, data, 0o600))
}
