-- Reads table gift of package projections.
SELECT id, name, image, price, available FROM gift WHERE available OR $1 ORDER BY id
