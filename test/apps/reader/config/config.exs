import Config

config :reader,
  title: Path.join(__DIR__, "../README.md") |> File.read!() |> String.trim(),
  key: System.fetch_env!("MAP_KEY"),
  commit: System.fetch_env!("GIT_SHA")
