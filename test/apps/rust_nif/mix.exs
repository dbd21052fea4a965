defmodule Mix.Tasks.Compile.Rust do
  use Mix.Task.Compiler

  def run(_) do
    File.mkdir_p!("priv")
    {_, 0} = System.cmd("rustc", ~w(--edition 2021 --crate-type cdylib -o priv/nif.so native/nif.rs))
    Mix.Project.build_structure()
    :ok
  end
end

defmodule Bottle.MixProject do
  use Mix.Project

  def project do
    [app: :bottle, version: "1.0.0", compilers: [:rust | Mix.compilers()]]
  end
end
