defmodule Cellar.MixProject do
  use Mix.Project

  def project do
    [
      app: :cellar,
      version: "1.0.0",
      build_path: "../../_build",
      config_path: "../../config/config.exs",
      deps_path: "../../deps",
      lockfile: "../../mix.lock"
    ]
  end
end
