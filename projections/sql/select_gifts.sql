-- Reads table gift of package projections.
SELECT id, name, image, price, available FROM gift {{if .available}}WHERE available{{end}} ORDER BY id
