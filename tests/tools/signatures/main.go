// Signs one digest with a key of each kind, by the library with which cosign signs: its payloads, its signers, its envelopes.
// What it prints is kept in crates/heddle-signature/tests/it/signed.json; `make fixtures` makes it anew, with new keys.
package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/dsse"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

const (
	digest    = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	statement = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` +
		`1111111111111111111111111111111111111111111111111111111111111111"}}],` +
		`"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`
)

type signed struct {
	Kind      string          `json:"kind"`
	PublicKey string          `json:"public_key"`
	Payload   string          `json:"payload"`
	Signature string          `json:"signature"`
	Envelope  json.RawMessage `json:"envelope"`
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func sign(kind string, key crypto.Signer, hash crypto.Hash) signed {
	signer := must(signature.LoadSigner(key, hash))
	image := must(name.NewDigest("ghcr.io/acme/api@" + digest))
	body := must(payload.Cosign{Image: image}.MarshalJSON())
	made := must(signer.SignMessage(bytes.NewReader(body)))
	wrapped := dsse.WrapSigner(signer, "application/vnd.in-toto+json")
	return signed{
		Kind:      kind,
		PublicKey: string(must(cryptoutils.MarshalPublicKeyToPEM(key.Public()))),
		Payload:   base64.StdEncoding.EncodeToString(body),
		Signature: base64.StdEncoding.EncodeToString(made),
		Envelope:  must(wrapped.SignMessage(strings.NewReader(statement))),
	}
}

func main() {
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	all := []signed{
		sign("ECDSA P-256", p256, crypto.SHA256),
		sign("ECDSA P-384, as cosign before 2.5", p384, crypto.SHA256),
		sign("ECDSA P-384", p384, crypto.SHA384),
		sign("Ed25519", ed, crypto.SHA256),
		sign("RSA 2048", must(rsa.GenerateKey(rand.Reader, 2048)), crypto.SHA256),
		sign("RSA 4096", must(rsa.GenerateKey(rand.Reader, 4096)), crypto.SHA256),
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(all); err != nil {
		panic(err)
	}
}
