-- What a suite sees of the bench before it runs: cert.suite{} makes a suite, suite:case{} adds a check.
return { suite = require("cert.suite").new }
