// Package blocks reads the files of a stopped NATS server record by record: what is stored, and what
// was removed and is still there.
package blocks

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// Record is a message in a file of the server, stored or removed.
type Record struct {
	File    string
	Subject string
	Header  []byte
	Payload []byte
}

// The parts of a record before its subject (nats-server's filestore.go, 2.15.3): its length, with
// the highest bit for headers, sequence, time, length of the subject. A checksum ends it.
const (
	head     = 4 + 8 + 8 + 2
	headers  = uint32(1) << 31
	checksum = 8
)

// Read returns every record of every block below a directory.
func Read(t testing.TB, dir string) []Record {
	t.Helper()
	var out []Record
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".blk" {
			return err
		}
		data, err := os.ReadFile(path)
		for err == nil && len(data) >= head {
			length := binary.LittleEndian.Uint32(data)
			size := int(length &^ headers)
			if size < head+checksum || size > len(data) {
				t.Fatalf("%s: a record of %d bytes, with %d left", path, size, len(data))
			}
			out = append(out, parse(path, data[:size], length&headers != 0))
			data = data[size:]
		}
		return err
	}))
	return out
}

func parse(path string, data []byte, hasHeader bool) Record {
	r := Record{File: path}
	body := data[head : len(data)-checksum]
	n := min(int(binary.LittleEndian.Uint16(data[head-2:])), len(body))
	r.Subject, body = string(body[:n]), body[n:]
	if hasHeader && len(body) >= 4 {
		n := min(int(binary.LittleEndian.Uint32(body)), len(body)-4)
		r.Header, body = body[4:4+n], body[4+n:]
	}
	r.Payload = body
	return r
}

// Texts returns what can be read of the records: what they hold, unpacked, and opened with any key
// that is found in any of them.
func Texts(t testing.TB, records []Record) []string {
	t.Helper()
	dec, err := zstd.NewReader(nil)
	require.NoError(t, err)
	defer dec.Close()
	keys := map[string][][]byte{} // by meeting
	for _, r := range records {
		if strings.HasPrefix(r.Subject, "rollcall.key.") && len(r.Payload) == 17 {
			keys[last(r.Subject)] = append(keys[last(r.Subject)], r.Payload[1:])
		}
	}
	var out []string
	for _, r := range records {
		out = append(out, r.Subject+"\n"+string(r.Header)+"\n"+string(r.Payload))
		if !strings.HasPrefix(r.Subject, "rollcall.state.") || len(r.Payload) == 0 {
			continue
		}
		packed := [][]byte{r.Payload[1:]}
		for _, key := range keys[last(r.Subject)] {
			packed = append(packed, open(r.Payload, key, last(r.Subject)))
		}
		for _, p := range packed {
			if raw, err := dec.DecodeAll(p, nil); err == nil {
				out = append(out, string(raw))
			}
		}
	}
	return out
}

func last(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// open opens a sealed state; nil if the key is not its own.
func open(sealed, key []byte, meeting string) []byte {
	const front = 1 + 4 + 12
	block, err := aes.NewCipher(key)
	if err != nil || len(sealed) < front {
		return nil
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil
	}
	raw, _ := gcm.Open(nil, sealed[5:front], sealed[front:], []byte(meeting))
	return raw
}
