// Executes SQL with DuckDB in memory. The first argument is a file of statements. Standard input is a JSON list of queries.
// Prints a JSON list with the rows of each query, as lists of texts; a query that fails ends the program.
const { readFileSync } = require('node:fs')
const { DuckDBInstance } = require('@duckdb/node-api')

const main = async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(readFileSync(process.argv[2], 'utf8'))
  const results = []
  for (const query of JSON.parse(readFileSync(0, 'utf8'))) {
    const reader = await connection.runAndReadAll(query)
    results.push(reader.getRows().map((row) => row.map((value) => (value === null ? '' : String(value)))))
  }
  console.log(JSON.stringify(results))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
