defmodule Reader.Version do
  def text, do: String.trim(File.read!("VERSION"))
end
