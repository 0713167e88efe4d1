SELECT id, name, image, price, listed FROM gift WHERE listed OR $1 ORDER BY id
