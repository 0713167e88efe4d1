package api_test

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"roomlog/api"
	"roomlog/domain"
)

// smallImage returns a small image of the given type.
func smallImage(t testing.TB, kind string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	dots := image.NewPaletted(image.Rect(0, 0, 3, 3), nil)
	switch kind {
	case "png":
		err = png.Encode(&b, image.NewGray(dots.Rect))
	case "jpg":
		err = jpeg.Encode(&b, image.NewGray(dots.Rect), nil)
	case "gif":
		err = gif.Encode(&b, image.NewGray(dots.Rect), nil)
	case "webp":
		b.WriteString("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// form returns a multipart body with one file, and its content type.
func form(t testing.TB, field, name, kind string, content []byte) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	w.WriteField("note", "before the file")
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, field, name)}, "Content-Type": {kind},
	})
	if err != nil {
		t.Fatal(err)
	}
	part.Write(content)
	w.Close()
	return body, w.FormDataContentType()
}

func (a account) upload(name, kind string, content []byte, headers ...string) reply {
	a.Helper()
	body, contentType := form(a, "file", name, kind, content)
	return a.send(http.MethodPost, "/api/upload", body, append([]string{"Content-Type", contentType, "token", a.Token}, headers...)...)
}

func TestUpload(t *testing.T) {
	t.Parallel()
	var folder string
	d := startAPI(t, func(c *api.Config) { folder = c.Uploads; c.UploadBytes = 64 << 10 })
	a := d.account("alice")
	kinds := map[string]string{"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
	for ending, kind := range kinds {
		t.Run("stores and serves "+ending, func(t *testing.T) {
			content := smallImage(t, ending)
			var url string
			a.upload("../../etc/passwd.html", "text/html", content).ok(&url)
			if !regexp.MustCompile(`^` + regexp.QuoteMeta(d.url) + `/uploads/[0-9a-f]{32}\.` + ending + `$`).MatchString(url) {
				t.Fatalf("address %q", url)
			}
			served := d.get(strings.TrimPrefix(url, d.url))
			if served.status != 200 || !bytes.Equal(served.raw, content) {
				t.Fatalf("status %d, %d bytes", served.status, len(served.raw))
			}
			for header, want := range map[string]string{
				"Content-Type": kind, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
				"Cache-Control": "public, max-age=31536000, immutable",
			} {
				if got := served.header.Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			head := d.send(http.MethodHead, strings.TrimPrefix(url, d.url), nil)
			if head.status != 200 || len(head.raw) != 0 {
				t.Errorf("HEAD: %d, want 200, 0 head.raw", head.status)
			}
		})
	}
	t.Run("gives every file a different name", func(t *testing.T) {
		var first, second string
		a.upload("a.png", "image/png", smallImage(t, "png")).ok(&first)
		a.upload("a.png", "image/png", smallImage(t, "png")).ok(&second)
		if first == second {
			t.Fatal("two files have the same name")
		}
	})
	t.Run("stores a repeated upload once, and refuses another file under its key", func(t *testing.T) {
		var first, second string
		a.upload("a.png", "image/png", smallImage(t, "png"), "Idempotency-Key", "one file").ok(&first)
		a.upload("b.png", "image/png", smallImage(t, "png"), "Idempotency-Key", "one file").ok(&second)
		if first != second {
			t.Errorf("the same file has the addresses %s and %s", first, second)
		}
		a.upload("a.gif", "image/gif", smallImage(t, "gif"), "Idempotency-Key", "one file").expectFailure(http.StatusConflict, "key_reused", "请求重复且内容不一致")
	})
	const unsupported = "只支持 JPEG、PNG、GIF、WebP 图片和 OGG、MP3、M4A、AAC、WebM、WAV、AMR 语音"
	for name, content := range map[string][]byte{
		"HTML with the content type of a PNG": []byte("<html><script>alert(1)</script>"),
		"SVG":                                 []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`),
		"a program":                           []byte("\x7fELF\x02\x01\x01"),
		"text":                                []byte("hello"),
		"nothing":                             nil,
		"a bitmap":                            []byte("BM\x00\x00"),
		"spaces before a PNG":                 append([]byte("   "), smallImage(t, "png")...),
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			a.upload("a.png", "image/png", content).expectFailure(415, "image_unsupported", unsupported)
		})
	}
	t.Run("refuses an image that cannot be decoded", func(t *testing.T) {
		a.upload("a.png", "image/png", smallImage(t, "png")[:8]).expectFailure(415, "image_damaged", "图片已损坏或不完整，请重新选择")
	})
	t.Run("refuses an image with too many pixels", func(t *testing.T) {
		a.upload("a.gif", "image/gif", []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00")).
			expectFailure(413, "image_too_many_pixels", "图片尺寸过大，最多6400万像素，边长不超过16384像素")
	})
	t.Run("refuses files that are too large", func(t *testing.T) {
		for _, size := range []int{64<<10 + 1, 70 << 10, 1 << 20} {
			large := append(smallImage(t, "png"), make([]byte, size-len(smallImage(t, "png")))...)
			a.upload("a.png", "image/png", large).expectFailure(413, "body_too_large", "请求内容过大")
		}
		exact := append(smallImage(t, "png"), make([]byte, 64<<10-len(smallImage(t, "png")))...)
		a.upload("a.png", "image/png", exact).ok(nil)
	})
	for name, send := range map[string]func() reply{
		"no form": func() reply { return a.post("/api/upload", "{}") },
		"an empty form": func() reply {
			return a.post("/api/upload", "--x--\r\n", "Content-Type", "multipart/form-data; boundary=x")
		},
		"an incomplete form": func() reply {
			return a.post("/api/upload", "--x\r\nContent-Dis", "Content-Type", "multipart/form-data; boundary=x")
		},
		"no boundary": func() reply { return a.post("/api/upload", "x", "Content-Type", "multipart/form-data") },
		"a form of text": func() reply {
			return a.post("/api/upload", "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--x--\r\n", "Content-Type", "multipart/form-data; boundary=x")
		},
		"an incomplete file": func() reply {
			return a.post("/api/upload", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n"+string(smallImage(t, "png")), "Content-Type", "multipart/form-data; boundary=x")
		},
	} {
		t.Run("refuses "+name, func(t *testing.T) { send().expectFailure(400, domain.CodeBadRequest, textBad) })
	}
	t.Run("stores nothing of refused files", func(t *testing.T) {
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		files = slices.DeleteFunc(files, func(f os.DirEntry) bool { return f.Name() == ".since" })
		for _, f := range files {
			if !regexp.MustCompile(`^[0-9a-f]{32}\.(jpg|png|gif|webp)$`).MatchString(f.Name()) {
				t.Errorf("%s was stored", f.Name())
			}
		}
		if len(files) != 8 {
			t.Errorf("%d files, want 8", len(files))
		}
	})
	t.Run("serves no other files", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(folder, "secret.txt"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/etc/passwd", filepath.Join(folder, strings.Repeat("a", 32)+".png")); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{
			"/uploads/", "/uploads/secret.txt", "/uploads/../secret.txt", "/uploads/..%2f..%2fetc%2fpasswd",
			"/uploads/" + strings.Repeat("a", 32) + ".png", "/uploads/" + strings.Repeat("b", 32) + ".png", "/uploads/%00",
		} {
			if got := d.get(path); got.status != 404 {
				t.Errorf("%s: got %d %s, want 404", path, got.status, got.raw)
			}
		}
	})
	t.Run("refuses a session that has ended", func(t *testing.T) {
		d.signIn("alice")
		a.upload("a.png", "image/png", smallImage(t, "png")).expectFailure(401, domain.CodeSessionEnded, textInvalid)
	})
}

func TestUploadAddress(t *testing.T) {
	t.Parallel()
	upload := func(t *testing.T, public string, headers ...string) string {
		t.Helper()
		d := startAPI(t, func(c *api.Config) { c.PublicURL = public })
		var url string
		d.account("alice").upload("a.png", "image/png", smallImage(t, "png"), headers...).ok(&url)
		return strings.TrimPrefix(url, d.url)
	}
	if got := upload(t, "https://cdn.example/"); !strings.HasPrefix(got, "https://cdn.example/uploads/") {
		t.Errorf("a configured address: %s", got)
	}
	if got := upload(t, "", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "live.example"); !strings.HasPrefix(got, "https://live.example/uploads/") {
		t.Errorf("behind a proxy: %s", got)
	}
	if got := upload(t, "", "X-Forwarded-Host", `evil"><script>`); !strings.HasPrefix(got, "/uploads/") {
		t.Errorf("an invalid host: %s", got)
	}
}
