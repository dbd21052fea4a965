defmodule Label.MixProject do
  use Mix.Project

  def project do
    [
      app: :label,
      version: "1.0.0",
      aliases: ["assets.deploy": "cmd --cd assets npm run deploy"],
      # The test makes a repository of it.
      deps: [{:cork, git: "/build/cork"}]
    ]
  end
end
