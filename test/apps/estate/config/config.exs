import Config

for file <- Path.wildcard("apps/*/config/config.exs"), do: import_config("../#{file}")
