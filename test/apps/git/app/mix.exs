defmodule Bar.MixProject do
  use Mix.Project

  def project do
    [
      app: :bar,
      version: "1.0.0",
      deps: [{:wine, git: "REPOSITORIES/wine"}, {:water, git: "REPOSITORIES/water"}]
    ]
  end
end
